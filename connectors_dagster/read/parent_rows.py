"""The fields of parent rows that the requests for their children need, in little memory."""

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, overload

from connectors_dagster.rows.raw_json import NULL, SEPARATOR, RawRow, decode


class ParentRows(Sequence[Mapping[str, Any]]):
    """Rows with some fields, kept as JSON text and parsed when they are looked up: there may be millions.

    Args:
        names: the fields.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Start without rows."""
        self.names = names
        self._texts, self._ends = bytearray(), array("q")
        self._first_rows, self._pages = array("q"), array("q")

    def extend(self, rows: Sequence[RawRow], *, page: int) -> None:
        """Add the rows of a page; a field that a row lacks is null."""
        self._first_rows.append(len(self))
        self._pages.append(page)
        for row in rows:
            self._texts += SEPARATOR.join(bytes(row.get(name, NULL)) for name in self.names)
            self._ends.append(len(self._texts))

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._ends)

    def page_of(self, at: int) -> int:
        """Return the number of the page that a row was on."""
        return self._pages[bisect_right(self._first_rows, at) - 1]

    @overload
    def __getitem__(self, at: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Mapping[str, Any]]: ...
    def __getitem__(self, at: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        """Return a row, or several."""
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        number = range(len(self))[at]
        begin = self._ends[number - 1] if number else 0
        texts = bytes(self._texts[begin : self._ends[number]]).split(SEPARATOR)
        return {name: decode(text) for name, text in zip(self.names, texts, strict=True)}
