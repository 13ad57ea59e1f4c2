"""Rows of many pages as columns of JSON text, each page turned while it is still in the processor's cache."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import itemgetter

from connectors_dagster.rows.raw_json import NULL, SEPARATOR, RawRow, join_column


class ColumnBuffer:
    """What rows have in each field, null where they do not have it; the rows themselves are not kept."""

    def __init__(self, rows: Sequence[RawRow] = ()) -> None:
        """Start with these rows."""
        self._pages: list[tuple[int, Mapping[str, bytes]]] = []
        self.add(rows)

    def add(self, rows: Sequence[RawRow]) -> None:
        """Take over the rows of a page."""
        if rows:
            self._pages.append((len(rows), _turn(rows)))

    def __len__(self) -> int:
        """Count the rows."""
        return sum(count for count, _ in self._pages)

    @property
    def names(self) -> set[str]:
        """The fields that any row has."""
        return set().union(*(page for _, page in self._pages))

    def column(self, name: str) -> bytes:
        """Return the texts of a field, in the order of the rows and with separators between them."""
        return SEPARATOR.join(
            page[name] if name in page else SEPARATOR.join([NULL] * count) for count, page in self._pages
        )


def _turn(rows: Sequence[RawRow]) -> Mapping[str, bytes]:
    fields = list(rows[0])
    if len(fields) > 1 and set(map(len, rows)) == {len(fields)}:
        with suppress(KeyError):  # as many fields, but others
            values = map(itemgetter(*fields), rows)
            return dict(zip(fields, map(SEPARATOR.join, zip(*values, strict=True)), strict=True))
    return {name: join_column(rows, name) for name in set().union(*rows)}
