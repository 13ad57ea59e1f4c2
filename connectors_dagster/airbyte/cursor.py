"""The cursor of a stream: which field says when a row changed, and how requests filter by it."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from math import ceil
from typing import Any, Literal

from connectors_dagster.airbyte.added_cursor import computed_cursor
from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.moments import check_end, check_start
from connectors_dagster.airbyte.options import put
from connectors_dagster.airbyte.piece import Piece, joined
from connectors_dagster.airbyte.requests import BODIES
from connectors_dagster.airbyte.stream import Stream, only_type
from connectors_dagster.airbyte.texts import BOUNDS
from connectors_dagster.expressions.durations import parse_duration
from connectors_dagster.expressions.expression import ExpressionError
from connectors_dagster.spec.options import Cursor
from connectors_dagster.spec.timestamps import TimestampFormat
from connectors_dagster.spec.windows import shortest

EPOCHS = {"%s": "epoch_seconds", "%ms": "epoch_milliseconds", "%epoch_microseconds": "epoch_microseconds"}
ISO = re.compile(r"%Y-%m-%d(?:[T ]%H:%M(?::%S(?:\.(?:%f|%_ms|0+))?)?)?(?:Z|%z|\+00:?00)?")
"""Formats of rows that are read whatever format requests have."""
PRECISIONS = (
    (re.compile(r"%f|%epoch_microseconds"), timedelta(microseconds=1)),
    (re.compile(r"%ms|%_ms"), timedelta(milliseconds=1)),
    (re.compile(r"%S|%s|%T"), timedelta(seconds=1)),
    (re.compile(r"%M"), timedelta(minutes=1)),
    (re.compile(r"%H"), timedelta(hours=1)),
)
SLICE = "stream_slice"
ASKING = ("url_base", "url", "path", "request_parameters", "request_headers", *BODIES)
"""The fields of a requester that say what is requested."""
DAY = timedelta(days=1)


def translate_cursor(stream: Stream) -> Piece:
    """Translate the cursor.

    Raises:
        NotNativeError: it has no translation.
    """
    written = stream.cursor
    if not written:
        return Piece()
    only_type(written, "DatetimeBasedCursor", what="a cursor that is no time")
    if stream.parent and not filters_by_time(stream) and not written.get("is_client_side_incremental"):
        return Piece()  # each read returns all rows; the cursor would only say which windows they belong to
    field = str(written.get("cursor_field"))
    if not compiled(field).is_constant or not field.replace("-", "_").isidentifier():
        raise NotNativeError("a cursor that is not the name of a field", field)
    check_start(written)
    check_end(written)
    filtered = filters_by_time(stream)
    if filtered:
        _check_steps(written)
        if text := computed_cursor(field, stream):
            raise NotNativeError("a cursor that is computed", text)
    for other in ("clamping", "partition_field_start", "partition_field_end", "is_client_side_incremental"):
        if written.get(other) and (other != "is_client_side_incremental" or filtered or stream.parent):
            raise NotNativeError(f"{other} of a cursor", written[other])
    if filtered and not asks_for(stream, "start_time"):
        raise NotNativeError("requests with the end of a window, and not its start")
    bounds = joined(_bounds(stream))
    cursor = Cursor(
        **formats_of(written, filtered=filtered),
        lower=lower_bound(written),
        before_start="drop" if filtered else "keep",
        request_step=_step(written) if filtered else None,
    )
    incremental = Piece(endpoint={"incremental": {"cursor_path": field}}, options={"cursor": cursor})
    return joined([incremental, bounds, Piece(lookback=duration_of(written, "lookback_window"))])


def _check_steps(written: Component) -> None:
    """Refuse steps that are no longer than the gap between them: each would be a request for no time at all."""
    step, gap, form = duration_of(written, "step"), granularity_of(written), str(written.get("datetime_format"))
    if step and gap and _precision(form) < gap and shortest(step) <= gap:
        raise NotNativeError("a step that is no longer than cursor_granularity", f"{step}, with {form}")


def _bounds(stream: Stream) -> list[Piece]:
    """Return where the bounds of a window go in the request."""
    options = (("start_time_option", "start_time"), ("end_time_option", "end_time"))
    return [put(stream.cursor[name], BOUNDS[bound], stream) for name, bound in options if stream.cursor.get(name)]


def filters_by_time(stream: Stream) -> bool:
    """Tell whether the requests of a stream have a bound of the window anywhere."""
    return any(asks_for(stream, bound) for bound in BOUNDS)


def asks_for(stream: Stream, bound: str) -> bool:
    """Tell whether the requests of a stream have ``start_time`` or ``end_time`` of the window anywhere.

    A parameter or setting that only has this name is no bound.
    """
    return bool(stream.cursor.get(f"{bound}_option")) or any(
        bound in text and _reads_slice(text) for one in ASKING for text in _texts(stream.requester.get(one))
    )


def _texts(written: Any) -> Iterator[str]:
    if isinstance(written, Mapping):
        yield from (text for item in written.items() for part in item for text in _texts(part))
    elif isinstance(written, list):
        yield from (text for item in written for text in _texts(item))
    elif isinstance(written, str):
        yield written


def _reads_slice(text: str) -> bool:
    try:
        return SLICE in compiled(text).names
    except NotNativeError:
        return True  # nobody knows


def formats_of(written: Component, *, filtered: bool) -> dict[str, Any]:
    """Return the format of the cursor in rows, and that of the bounds in requests if it is another one.

    Raises:
        NotNativeError: it cannot be read, or cannot be written if requests are `filtered` by it.
    """
    form = str(written.get("datetime_format"))
    for_rows = {str(one) for one in written.get("cursor_datetime_formats") or (form,)}
    [row, *more] = [one for one in for_rows if not ISO.fullmatch(one)] or [form]  # ISO 8601 is read in any case
    if more:
        raise NotNativeError("rows with several formats of time", sorted(for_rows))
    if row == form or not filtered:
        return {"timestamp_format": _format(row, written, filtered=filtered)}
    return {
        "timestamp_format": _format(row, {}, filtered=False),
        "bounds_format": _format(form, written, filtered=True),
    }


def _format(form: str, written: Component, *, filtered: bool) -> TimestampFormat:
    if re.search(r"[+-]\d\d:?\d\d$", form) and not re.search(r"[+-]00:?00$", form):
        raise NotNativeError("a written offset that is not read", form)
    if filtered and form == "%s_as_float":
        raise NotNativeError("a format of time that is not written", form)
    own, precision = EPOCHS.get(form, "epoch_seconds" if form == "%s_as_float" else form), _precision(form)
    try:
        return TimestampFormat(format=own, granularity=max(precision, granularity_of(written) or precision))
    except ValueError as error:
        raise NotNativeError("a format of time that cannot be read back", error) from None


def _precision(form: str) -> timedelta:
    return next((precision for pattern, precision in PRECISIONS if pattern.search(form)), DAY)


def granularity_of(written: Component) -> timedelta | None:
    """Return the time between the end of a request and the start of the next one; None if they share a moment.

    Raises:
        NotNativeError: it is no duration.
    """
    text = written.get("cursor_granularity")
    return _fixed(str(text)) or None if text else None


def lower_bound(written: Component) -> Literal["inclusive", "exclusive", "unknown"]:
    """Return whether rows at the start of a request are in it, as far as a cursor says.

    With a granularity, Airbyte takes for granted that they are, and loses them where the API thinks otherwise.

    Raises:
        NotNativeError: the granularity is no duration.
    """
    granularity = granularity_of(written)
    if granularity is None:
        return "exclusive"
    return "unknown" if granularity < DAY else "inclusive"


def _fixed(text: str) -> timedelta:
    try:
        found = parse_duration(text)
    except ValueError:
        raise NotNativeError("a duration that cannot be read", text) from None
    if not isinstance(found, timedelta):
        return timedelta(days=28) * found.months + found.rest
    return found


def duration_of(written: Component, name: str) -> str | None:
    """Return a duration; one that settings determine is the one without any settings.

    Raises:
        NotNativeError: it needs a setting, or is no duration.
    """
    text = written.get(name)
    if not text:
        return None
    expression = compiled(str(text))
    try:
        found = expression.render(**{one: {} for one in expression.names})
    except ExpressionError:
        found = None
    if not isinstance(found, str) or not _readable(found):
        raise NotNativeError(f"{name} that a setting determines", text)
    length = _fixed(found)
    if length.microseconds:  # the durations of a connector are whole seconds
        if name != "lookback_window":
            raise NotNativeError("a duration with a fraction of a second", text)
        return f"PT{ceil(length.total_seconds())}S"
    return found if length else None


def _readable(text: str) -> bool:
    try:
        parse_duration(text)
    except ValueError:
        return False
    return True


def _step(written: Component) -> str | None:
    """Return the longest time that one request may ask for."""
    bounded = written.get("end_time_option") or "end_time" in str(written)
    return duration_of(written, "step") if bounded else None
