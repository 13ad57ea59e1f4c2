"""The windows of a stream that airbyte-cdk reads, if it can be asked for exactly one of them."""

from connectors_dagster.airbyte.added_cursor import computed_cursor
from connectors_dagster.airbyte.clock_fields import clock_fields, has_other_clock
from connectors_dagster.airbyte.cursor import asks_for, duration_of, formats_of, granularity_of, lower_bound
from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled
from connectors_dagster.airbyte.key import identifying_paths
from connectors_dagster.airbyte.moments import check_end, check_start
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.stream import Stream
from connectors_dagster.spec.options import Cursor

PARAMS = {"start_time": "start_param", "end_time": "end_param"}
"""The bounds of a window in a manifest, each with its name in dlt's configuration."""
CHANGES_BOUNDS = ("clamping", "is_client_side_incremental", "partition_field_start", "partition_field_end")


def windows_of(stream: Stream) -> tuple[Piece, float]:
    """Return the cursor of a resource, and how many seconds before its end the last moment of a window is.

    A cursor that is no time, whose bounds are not those of a window, or whose values cannot be read here, are computed,
    the bounds themselves or the time of reading, makes no windows. Neither do rows without a key that differ each time.
    Then everything is read each time.
    """
    written = stream.cursor
    field = str(written.get("cursor_field"))
    try:
        if written.get("type") != "DatetimeBasedCursor" or any(map(written.get, CHANGES_BOUNDS)):
            return Piece(), 0.0
        if (
            not compiled(field).is_constant
            or not field.replace("-", "_").isidentifier()
            or _is_of_reading(field, stream)
        ):
            return Piece(), 0.0
        check_start(written)
        check_end(written)
        asked = [bound for bound in PARAMS if asks_for(stream, bound)]
        if asked == ["end_time"] or (asked and computed_cursor(field, stream)) or _differs_each_time(stream):
            return Piece(), 0.0
        filtered, granularity = bool(asked), granularity_of(written)
        formats, lookback = formats_of(written, filtered=filtered), duration_of(written, "lookback_window")
    except NotNativeError:
        return Piece(), 0.0
    incremental = {"cursor_path": field, **{PARAMS[bound]: bound for bound in asked}}
    lower = lower_bound(written)
    cursor = Cursor(**formats, lower=lower, before_start="drop" if filtered else "keep")
    found = Piece(endpoint={"incremental": incremental}, options={"cursor": cursor}, lookback=lookback)
    return found, granularity.total_seconds() if granularity and lower == "inclusive" else 0.0


def _differs_each_time(stream: Stream) -> bool:
    """Tell whether rows have no key, and what is in them differs each time: windows would have a row twice."""
    return not identifying_paths(stream) and has_other_clock(stream)


def _is_of_reading(field: str, stream: Stream) -> bool:
    """Tell whether a field is what a row was requested with, which may be earlier than the window, or when it was."""
    if field in clock_fields(stream):
        return True
    return any("stream_slice" in compiled(value).names for value in stream.added_values(field))
