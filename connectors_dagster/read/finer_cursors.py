"""The digits of cursors below a microsecond, so that the copies of a row are compared by all digits."""

import re
from array import array
from collections.abc import Sequence

from connectors_dagster.compat.dlt_internals import find_values
from connectors_dagster.rows.raw_json import SEPARATOR, RawRow, decode, join_column
from connectors_dagster.spec.resource import Resource

POINT_AND_DIGITS = {"epoch_milliseconds": 4, "epoch_microseconds": 1}
"""From how many digits after the point a cursor of a format has any below a microsecond; 7 for all other formats."""


class FinerCursors:
    """What parsing drops of the cursors of rows.

    Attributes:
        by_row: for each row the part below a microsecond, in steps of 10⁻¹⁸ s; empty while no row has any.
    """

    def __init__(self, resource: Resource) -> None:
        """Start without rows."""
        self.by_row = array("q")
        self._cursor, self._path = resource.cursor, resource.cursor_path or ""
        self._field = self._path.removeprefix("$").lstrip(".").split(".")[0]
        written = self._cursor.timestamp_format.format if self._cursor else ""
        digits = POINT_AND_DIGITS.get(written, 7)
        # Two patterns that begin with one character each are searched ten times as fast as one for both.
        patterns = [b""] if written == "epoch_nanoseconds" else [rb"\.\d{%d}" % digits, rb",\d{%d}" % digits]
        self._patterns = list(map(re.compile, patterns))

    def add(self, rows: Sequence[RawRow], first: int) -> None:
        """Note the cursors of rows; `first` is the number of the first of them."""
        if self._cursor is None:
            return
        texts = join_column(rows, self._field)
        if self._is_possible(texts):
            self.by_row.extend([0] * (first - len(self.by_row)))
            self.by_row.extend(map(self._finer, texts.split(SEPARATOR)))

    def _is_possible(self, texts: bytes) -> bool:
        return any(pattern.search(texts) for pattern in self._patterns)

    def _finer(self, text: bytes) -> int:
        assert self._cursor
        if not self._is_possible(text):
            return 0
        value = text[1:-1].decode() if text[:1] == b'"' else decode(text)
        if self._field != self._path:
            value = next(iter(find_values(self._path, {self._field: value})), None)
        return self._cursor.timestamp_format.below_microsecond(value)
