"""The bounds of a request: which times are asked for, and how the API writes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors_dagster.http.request_parts import Bounds
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.timestamps import DAY, EPOCH
from connectors_dagster.spec.windows import Slice

EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
"""Earlier cursors mean that there is no time, and earlier bounds cannot be written in every time zone."""


@dataclass(frozen=True)
class Requested:
    """The bounds of a request; each is None if it is not sent."""

    lower: datetime | None = None
    upper: datetime | None = None


def unfiltered(resource: Resource, slices: Sequence[Slice]) -> bool:
    """Return whether slices are read without the API's filter, which would hide the rows without a cursor."""
    cursor = resource.cursor
    assert cursor
    first = cursor.unfiltered_first or cursor.reread_every is not None
    return any(slice_.unfiltered or (first and slice_.first) for slice_ in slices)


def requested(resource: Resource, slices: Sequence[Slice]) -> Requested:
    """Return the bounds for neighbouring slices; without bounds for a read without the filter.

    They lie on multiples of the granularity and include no more than they must. A local time that occurs twice is
    moved outwards, because the API may mean either of the two. So are dates without a named time zone, because the
    days of an account may begin half a day earlier or later than in UTC.
    """
    cursor = resource.cursor
    assert cursor
    if not resource.filtered or unfiltered(resource, slices):
        return Requested()
    timestamps = cursor.bounds_format or cursor.timestamp_format
    lower, upper = timestamps.floor(max(slices[0].since, EARLIEST)), timestamps.ceil(slices[-1].window.end)
    if cursor.lower != "inclusive":
        lower -= timestamps.granularity
    lower, upper = lower - timestamps.zone.repeated(lower), upper + timestamps.zone.repeated(upper)
    if timestamps.granularity >= DAY and timestamps.timezone == "UTC":
        lower, upper = lower - DAY, upper + DAY
    older = cursor.before_start == "keep" and slices[0].first
    return Requested(EPOCH if older else lower, upper if resource.bounded else None)


def exact_bounds(resource: Resource, part: Slice) -> Bounds:
    """Return the bounds of a part of all windows as the API writes them.

    There is no margin, because no row is dropped later, unless nobody knows whether the lower bound is inclusive.
    """
    assert resource.cursor
    timestamps = resource.cursor.bounds_format or resource.cursor.timestamp_format
    lower, upper = timestamps.floor(max(part.window.start, EARLIEST)), timestamps.ceil(part.window.end)
    if resource.cursor.lower == "inclusive":  # else the next part begins one step later
        upper -= timestamps.granularity
    elif resource.cursor.lower == "unknown":
        lower -= timestamps.granularity
    return {"start_value": timestamps.encode(lower), "end_value": timestamps.encode(upper)}


def window_bounds(resource: Resource, slices: Sequence[Slice]) -> Bounds:
    """Return the bounds for neighbouring slices as the API writes them; empty for a read without the filter.

    A program gets them in ISO 8601.
    """
    assert resource.cursor
    written = resource.cursor.bounds_format or resource.cursor.timestamp_format
    encode = datetime.isoformat if resource.program else written.encode
    times = requested(resource, slices)
    named = {"start_value": times.lower, "end_value": times.upper}
    return {name: encode(time) for name, time in named.items() if time is not None}
