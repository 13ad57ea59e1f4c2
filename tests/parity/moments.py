"""Times as a made-up API reads and writes them, apart from the code that is compared."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COUNTED = {"%s": 1, "%s_as_float": 1, "%ms": 1_000, "%epoch_microseconds": 1_000_000}
WRITTEN = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?|\b\d{10}(?:\d{3}){0,2}\b")
ODD_ZONE = timezone(timedelta(hours=2))


def write(moment: datetime, form: str, *, odd: bool = False) -> Any:
    """Write a time as in rows: numbers since 1970, or text; `odd` is in another time zone if the format has zones."""
    if form in COUNTED:
        since = (moment - EPOCH) / timedelta(seconds=1)
        return since if form == "%s_as_float" else int(since * COUNTED[form])
    moment = moment.astimezone(ODD_ZONE) if odd and "%z" in form else moment
    milliseconds = f"{moment.microsecond // 1000:03}"
    return moment.strftime(form.replace("%_ms", milliseconds))


def read(text: Any, form: str) -> datetime:
    """Read a time.

    Raises:
        ValueError: it is not in this format.
    """
    if form in COUNTED:
        return EPOCH + timedelta(seconds=float(text) / COUNTED[form])
    found = datetime.strptime(str(text), form.replace("%_ms", "%f"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def precision(form: str) -> timedelta:
    """Return the shortest time that a format can tell apart."""
    if form in ("%epoch_microseconds", "%s_as_float") or "%f" in form:
        return timedelta(microseconds=1)
    if form == "%ms" or "%_ms" in form:
        return timedelta(milliseconds=1)
    if form == "%s" or "%S" in form or "%T" in form or "%s" in form or "%X" in form or "%c" in form:
        return timedelta(seconds=1)
    if "%M" in form:
        return timedelta(minutes=1)
    return timedelta(hours=1) if "%H" in form or "%I" in form else timedelta(days=1)


def truncated(moment: datetime, to: timedelta) -> datetime:
    """Cut a time to whole steps since 1970."""
    return EPOCH + ((moment - EPOCH) // to) * to


def without_clock(text: str, since: datetime) -> str:
    """Replace the times after the comparison began: they say when something was read, and are others each time."""

    def replaced(found: re.Match[str]) -> str:
        moment, now = _time(found[0]), datetime.now(UTC)
        as_written = moment.replace(tzinfo=UTC)  # a format may have an offset that is not that of the time
        return "<clock>" if any(since < one <= now for one in (moment, as_written)) else found[0]

    return WRITTEN.sub(replaced, text)


def with_bounds(text: str, bounds: Mapping[str, datetime], margin: timedelta) -> str:
    """Replace the times that are bounds of a window, or are not further from one than the margin, by its name."""

    def replaced(found: re.Match[str]) -> str:
        moment = _time(found[0])
        return next((f"<{name}>" for name, bound in bounds.items() if abs(moment - bound) <= margin), found[0])

    return WRITTEN.sub(replaced, text)


def _time(text: str) -> datetime:
    if text.isdigit():
        return EPOCH + timedelta(seconds=int(text) / 10 ** (len(text) - 10))
    try:
        found = datetime.fromisoformat(text)
    except ValueError:  # such as 25 o'clock
        return EPOCH
    return found if found.tzinfo else found.replace(tzinfo=UTC)
