"""Assigns rows to windows: cursors are parsed, then compared."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from connectors_dagster.compat.dlt_internals import compile_path, extract_simple_field_name, find_values
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.read.unrequested import Unrequested
from connectors_dagster.rows.arrow_arrays import fit
from connectors_dagster.rows.cursor_column import utc_microseconds
from connectors_dagster.rows.raw_json import NULL, SEPARATOR, RawRow, decode, decode_row, encode, join_column
from connectors_dagster.spec.options import Cursor
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.timestamps import MICROSECOND, from_microseconds, to_microseconds
from connectors_dagster.spec.windows import Slice

TIMESTAMP = pa.timestamp("us", "UTC")
EMPTY_TEXT = b'""'
FINER_THAN_SECONDS = {"epoch_milliseconds", "epoch_microseconds", "epoch_nanoseconds"}
FEBRUARY_1970 = to_microseconds(datetime(1970, 2, 1, tzinfo=UTC))
YEAR_2, YEAR_9999 = (to_microseconds(datetime(year, 1, 1, tzinfo=UTC)) for year in (2, 9999))


class WindowFilter:
    """Assigns rows to the slices of a read.

    Args:
        resource: a resource with a cursor.
        stats_by_slice: the slices to fill, each with its counts.
        read: the counts of the requests.
        refuse: gets the rows that cannot be placed, each with the reason; if it returns, they are left out.
    """

    def __init__(
        self,
        resource: Resource,
        stats_by_slice: Mapping[Slice, ReadStats],
        read: ReadStats,
        refuse: Callable[[Sequence[tuple[RawRow, str]]], None],
    ) -> None:
        """Prepare the bounds."""
        self.resource, self.stats_by_slice, self.refuse = resource, stats_by_slice, refuse
        assert resource.cursor and resource.cursor_path
        self.cursor: Cursor = resource.cursor
        self.path = resource.cursor_path
        self._field = extract_simple_field_name(compile_path(self.path))
        self._slices = sorted(stats_by_slice)
        self._starts = [to_microseconds(slice_.window.start) for slice_ in self._slices]
        self._ends = [to_microseconds(slice_.window.end) for slice_ in self._slices]
        self._since = [to_microseconds(slice_.since) for slice_ in self._slices]
        self._unrequested = Unrequested(resource, self._slices, read)
        self._zero = frozenset(map(to_microseconds, self.cursor.timestamp_format.zero_timestamps))

    def split(self, rows: Sequence[RawRow]) -> dict[Slice, list[RawRow]]:
        """Group rows by slice; a row outside all slices is counted in the stats of the first.

        A row without a cursor goes into the first slice, because the API returned it for these. If the API returns it
        for others, too, the load keeps one.
        A row whose cursor is not a timestamp, or is missing although `without_cursor` is "fail", is refused.

        Raises:
            RowError: a row was not requested.
        """
        kept: dict[Slice, list[RawRow]] = {}
        timestamps, bad = self._timestamps(rows)
        last: Slice | None = None  # most rows of a page belong to one slice, so that it is rarely looked up
        if bad:
            self.refuse([(rows[number], reason) for number, reason in sorted(bad.items())])
        for number, (row, timestamp) in enumerate(zip(rows, timestamps, strict=True)):
            if number in bad:
                continue
            slice_ = self._first_without_cursor() if timestamp is None else self._slice_of(timestamp, row)
            if slice_ is None and timestamp is not None:
                slice_ = self._outside(timestamp, row)
            if slice_ is None:
                self.stats_by_slice[self._slices[0]].outside += 1
            else:
                if slice_ is not last:
                    last, found = slice_, kept.setdefault(slice_, [])
                found.append(row)
        return kept

    def _timestamps(self, rows: Sequence[RawRow]) -> tuple[list[int | None], dict[int, str]]:
        """Parse the cursors as microseconds since 1970.

        Rows without a cursor have None, as have those whose cursor says that there is no time. Also returns the
        numbers of the rows whose cursor cannot be used, each with the reason.
        """
        texts = join_column(rows, self._field) if self._field else SEPARATOR.join(map(self._text, rows))
        found = utc_microseconds(texts, local_is_utc=self.cursor.timestamp_format.timezone == "UTC")
        parsed, bad = self._fitted(texts) if found is None else (found, {})
        if self.cursor.timestamp_format.format in FINER_THAN_SECONDS:
            coarser = f"cursor {self.path!r} is read as a time in January 1970: it may be in seconds; check the format"
            bad |= {number: coarser for number, at in enumerate(parsed) if at is not None and 0 < at < FEBRUARY_1970}
        timestamps = [
            at if at is not None and YEAR_2 <= at < YEAR_9999 and at not in self._zero else None for at in parsed
        ]
        if self.cursor.without_cursor == "fail":
            reason = f"a row has no cursor {self.path!r}, and rows without one are declared to fail"
            bad = {number: reason for number, timestamp in enumerate(timestamps) if timestamp is None} | bad
        return timestamps, bad

    def _fitted(self, texts: bytes) -> tuple[Sequence[int | None], dict[int, str]]:
        """Parse cursors of any form, by the parser of timestamp columns."""
        fitted = fit(texts, "timestamp", TIMESTAMP, self.cursor.timestamp_format)
        bad = {}
        for misfit in fitted.misfits:
            text = texts.split(SEPARATOR)[misfit]
            if text != EMPTY_TEXT and not self.cursor.timestamp_format.is_no_time(value := decode(text)):
                bad[misfit] = (
                    f"cursor {self.path!r} contains {value!r}, which is not a timestamp: check timestamp_format"
                )
        return fitted.array.cast(pa.int64()).to_pylist(), bad

    def _text(self, row: RawRow) -> bytes:
        """Return the JSON text of a row's cursor."""
        if self._field:
            return row.get(self._field, NULL)
        return encode(next(iter(find_values(self.path, decode_row(row))), None))

    def _slice_of(self, timestamp: int, row: RawRow) -> Slice | None:
        index = bisect_right(self._starts, timestamp) - 1
        if index < 0 or timestamp >= self._ends[index]:
            return None
        if timestamp < self._since[index]:
            # If the API rounds cursors down, a late change has the timestamp at which its second or day began.
            value: Any = decode(self._text(row))
            if timestamp + self.cursor.timestamp_format.resolution(value) // MICROSECOND <= self._since[index]:
                return None
        return self._slices[index]

    def _outside(self, timestamp: int, row: RawRow) -> Slice | None:
        """Return the slice that keeps a row from outside all slices; count it if it belongs to no window at all."""
        first = self._slices[0]
        if first.extent is None:
            return None
        self._unrequested.check(from_microseconds(timestamp), lambda: decode(self._text(row)))
        if timestamp < to_microseconds(first.extent.start):
            if self.cursor.before_start == "keep":
                return first if first.first else None
            self.stats_by_slice[first].before_start += 1
        self.stats_by_slice[first].after_end += timestamp >= to_microseconds(first.extent.end)
        return None

    def _first_without_cursor(self) -> Slice:
        self.stats_by_slice[self._slices[0]].without_cursor += 1
        return self._slices[0]
