"""Rows of many pages as columns of JSON text.

Each page is transposed while it is still in the CPU cache.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from operator import itemgetter

from connectors_dagster.rows.raw_json import NULL, SEPARATOR, RawRow, join_column


class ColumnBuffer:
    """The values of rows by field, with null for fields that a row lacks; the rows themselves are not kept.

    Args:
        rows: the first rows.
        check: refuses too many fields, before the nulls of a page with different fields fill the memory.
    """

    def __init__(self, rows: Sequence[RawRow] = (), check: Callable[[Set[str]], None] | None = None) -> None:
        """Start with these rows."""
        self._pages: list[tuple[int, Mapping[str, bytes]]] = []
        self._count = 0
        self._check = check
        self.add(rows)

    def add(self, rows: Sequence[RawRow]) -> None:
        """Add the rows of a page."""
        if rows:
            self._pages.append((len(rows), self._transpose(rows)))
            self._count += len(rows)

    def __len__(self) -> int:
        """Count the rows."""
        return self._count

    @property
    def names(self) -> set[str]:
        """The fields that any row has."""
        return set().union(*(page for _, page in self._pages))

    def column(self, name: str) -> bytes:
        """Return the JSON texts of a field in the order of the rows, joined by separators."""
        return SEPARATOR.join(
            page[name] if name in page else SEPARATOR.join([NULL] * count) for count, page in self._pages
        )

    def _transpose(self, rows: Sequence[RawRow]) -> Mapping[str, bytes]:
        fields = list(rows[0])
        if len(fields) > 1 and set(map(len, rows)) == {len(fields)}:
            with suppress(KeyError):  # the same number of fields, but different ones
                values = map(itemgetter(*fields), rows)
                return dict(zip(fields, map(SEPARATOR.join, zip(*values, strict=True)), strict=True))
        names = set().union(*rows)
        if self._check:
            self._check(names)
        return {name: join_column(rows, name) for name in names}
