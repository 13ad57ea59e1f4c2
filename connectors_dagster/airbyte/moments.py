"""The start and the end of what a cursor covers: those of the windows, or something else."""

from datetime import UTC, datetime, timedelta
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.expressions.expression import Expression, ExpressionError
from connectors_dagster.expressions.macros import NOW, str_to_datetime
from connectors_dagster.expressions.time_formats import parse_time

SOME_DAY, LATER = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC), datetime(2025, 8, 9, 17, 18, 19, tzinfo=UTC)
DAY = timedelta(days=1)
LONG_AGO = ("1990-01-01T00:00:00Z", "1990-01-01")


def check_start(cursor: Component) -> None:
    """Accept a start that the manifest or a setting determines: it is where the windows begin.

    Raises:
        NotNativeError: the start moves with the time, or has limits.
    """
    text, limited = _moment(cursor.get("start_datetime"))
    expression = compiled(text)
    for value in LONG_AGO:
        found = [_rendered(expression, now, value) for now in (SOME_DAY, LATER)]
        if found[0] is not None and found[0] == found[1] and not limited:
            return
    raise NotNativeError("a start that moves or has limits", text)


def check_end(cursor: Component) -> None:
    """Accept an end that is now, or at most a day earlier or later, at least without a setting for another one.

    Windows go on until now in any case: what is read later with such an end is read at once.

    Raises:
        NotNativeError: the end is something else.
    """
    text, limited = _moment(cursor.get("end_datetime"))
    if not text and not limited:
        return
    form = str(cursor.get("datetime_format"))
    written = cursor["end_datetime"].get("datetime_format") if isinstance(cursor.get("end_datetime"), dict) else None
    found = _read(_rendered(compiled(text), SOME_DAY, None), str(written or form))
    if limited or found is None or abs(SOME_DAY - found) > DAY:
        raise NotNativeError("an end that is not now", text)


def _moment(written: Any) -> tuple[str, bool]:
    """Return the text of a moment, and whether it has limits."""
    if isinstance(written, dict):
        return str(written.get("datetime") or ""), bool(written.get("min_datetime") or written.get("max_datetime"))
    return str(written or ""), False


def _rendered(expression: Expression, now: datetime, setting: str | None) -> Any:
    """Render an expression with the same value for all settings; None if that is impossible."""
    config: dict[str, Any] = {}
    for lookup in expression.lookups if setting else ():
        at = config
        for step in lookup.steps[:-1] if lookup.name == "config" else ():
            at = at.setdefault(str(step.key), {})
        if lookup.name == "config" and lookup.steps and isinstance(at, dict):
            at.setdefault(str(lookup.steps[-1].key), setting)
    try:
        return expression.render(config=config, **{NOW: now})
    except ExpressionError:
        return None


def _read(value: Any, form: str) -> datetime | None:
    """Read a moment in this format, or in ISO 8601."""
    try:
        return parse_time(value, form)
    except (ValueError, TypeError, OverflowError):
        pass
    try:
        return str_to_datetime(str(value))
    except ValueError:
        return None
