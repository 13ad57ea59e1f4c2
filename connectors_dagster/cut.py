"""Which rows belong to which window: cursors are parsed, then compared."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dlt.common import jsonpath

from connectors_dagster.connector import Cursor, Resource
from connectors_dagster.errors import RowError
from connectors_dagster.tally import Tally
from connectors_dagster.window import Slice, Window

Row = dict[str, Any]


class Cut:
    """Sorts rows into the slices of a run.

    Args:
        resource: a resource with a cursor.
        tallies: the slices to fill, each with its counts.
        first: the first window of the grid, which keeps the rows without a cursor.
    """

    def __init__(self, resource: Resource, tallies: Mapping[Slice, Tally], first: Window) -> None:
        """Prepare the edges."""
        self.resource, self.tallies, self.first = resource, tallies, first
        assert resource.cursor and resource.incremental
        self.cursor: Cursor = resource.cursor
        self.path = str(resource.incremental["cursor_path"])
        self._deep = jsonpath.compile_path(self.path) if "." in self.path else None
        self._slices = sorted(tallies)
        self._starts = [piece.since for piece in self._slices]

    def split(self, rows: Sequence[Row]) -> dict[Slice, list[Row]]:
        """Sort rows by slice; what belongs to none is counted as outside on the first.

        Raises:
            RowError: a cursor is no instant, or is missing where that is declared to fail.
        """
        kept: dict[Slice, list[Row]] = {}
        for row in rows:
            value = self._value(row)
            piece = self._without_cursor() if value is None else self._slice_at(self._decode(value))
            if piece is None:
                self.tallies[self._slices[0]].outside += 1
            else:
                kept.setdefault(piece, []).append(row)
        for piece, found in kept.items():
            self.tallies[piece].rows += len(found)
        return kept

    def _value(self, row: Row) -> Any:
        if self._deep is None:
            return row.get(self.path)
        return next(iter(jsonpath.find_values(self._deep, row)), None)

    def _decode(self, value: Any) -> datetime:
        try:
            return self.cursor.clock.decode(value)
        except ValueError as error:
            raise RowError(f"{self.resource}: cursor {self.path!r} holds {value!r}, which is no instant") from error

    def _slice_at(self, instant: datetime) -> Slice | None:
        index = bisect_right(self._starts, instant) - 1
        return self._slices[index] if index >= 0 and instant < self._slices[index].window.end else None

    def _without_cursor(self) -> Slice | None:
        if self.cursor.without_cursor == "fail":
            raise RowError(
                f"{self.resource}: a row has no cursor {self.path!r}, and rows without one are declared to fail"
            )
        self.tallies[self._slices[0]].without_cursor += 1
        return self._slices[0] if self._slices[0].window == self.first else None
