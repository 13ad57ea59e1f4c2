"""Which rows belong to which window: cursors are parsed, then compared."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors_dagster.compat.dlt_internals import jsonpath
from connectors_dagster.errors import RowError
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.rows.raw_json import RawRow, decode_column, decode_row, join_column
from connectors_dagster.spec.options import Cursor
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice


class WindowFilter:
    """Sorts rows into the slices of a read.

    Args:
        resource: a resource with a cursor.
        tallies: the slices to fill, each with its counts.
        undated: which slice keeps the rows without a cursor; None when none of these does.
    """

    def __init__(self, resource: Resource, stats_by_slice: Mapping[Slice, ReadStats], undated: Slice | None) -> None:
        """Prepare the edges."""
        self.resource, self.stats_by_slice, self.undated = resource, stats_by_slice, undated
        assert resource.cursor and resource.incremental
        self.cursor: Cursor = resource.cursor
        self.path = str(resource.incremental["cursor_path"])
        self._field = jsonpath.extract_simple_field_name(self.path)
        self._deep = jsonpath.compile_path(self.path)
        self._slices = sorted(stats_by_slice)
        self._starts = [piece.window.start for piece in self._slices]

    def split(self, rows: Sequence[RawRow]) -> dict[Slice, list[RawRow]]:
        """Sort rows by slice; what belongs to none is counted as outside on the first.

        Raises:
            RowError: a cursor is not a timestamp, or is missing and declared to fail.
        """
        kept: dict[Slice, list[RawRow]] = {}
        for row, value in zip(rows, self._cursors(rows), strict=True):
            piece = self._without_cursor() if value in (None, "") else self._slice_of(value)
            if piece is None:
                self.stats_by_slice[self._slices[0]].outside += 1
            else:
                kept.setdefault(piece, []).append(row)
        for piece, found in kept.items():
            self.stats_by_slice[piece].rows += len(found)
        return kept

    def _cursors(self, rows: Sequence[RawRow]) -> list[Any]:
        if self._field is not None:
            return decode_column(join_column(rows, self._field))
        return [next(iter(jsonpath.find_values(self._deep, decode_row(row))), None) for row in rows]

    def _slice_of(self, value: Any) -> Slice | None:
        instant = self._decode(value)
        index = bisect_right(self._starts, instant) - 1
        if index < 0 or instant >= self._slices[index].window.end:
            return None
        piece = self._slices[index]
        # A change late in a second, or on a day, may carry the timestamp at which that second or day began.
        latest = instant + self.cursor.timestamp_format.resolution(value)
        return piece if instant >= piece.since or latest > piece.since else None

    def _decode(self, value: Any) -> datetime:
        try:
            return self.cursor.timestamp_format.decode(value)
        except ValueError as error:
            raise RowError(
                f"{self.resource}: cursor {self.path!r} contains {value!r}, which is not a timestamp"
            ) from error

    def _without_cursor(self) -> Slice | None:
        if self.cursor.without_cursor == "fail":
            raise RowError(
                f"{self.resource}: a row has no cursor {self.path!r}, and rows without one are declared to fail"
            )
        self.stats_by_slice[self._slices[0]].without_cursor += 1
        return self.undated
