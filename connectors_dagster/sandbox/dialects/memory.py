"""Keeps the rows that a query found from its first page to its last."""

from collections.abc import Callable, Hashable

from connectors_dagster.sandbox.rows.draw import Row

# Below this many rows, a new search takes at most a few milliseconds, and every change of a row shows immediately.
LARGE = 10_000
RESULTS = 64


class Memory:
    """Avoids searching and sorting a large table again for each page of the same query.

    The first page always searches. So does any page after rows were added or removed, or the list was replaced.
    """

    def __init__(self) -> None:
        """Start without any kept results."""
        self._kept: dict[Hashable, tuple[list[Row], int, list[Row]]] = {}

    def recall(
        self, query: Hashable, rows: list[Row], *, first_page: bool, search: Callable[[], list[Row]]
    ) -> list[Row]:
        """Return what `search` finds in `rows`, or what it found for an earlier page of the same query."""
        if len(rows) < LARGE:
            return search()
        searched, length, found = self._kept.get(query, ([], 0, []))
        if first_page or searched is not rows or length != len(rows):
            found = search()
            self._keep(query, (rows, len(rows), found))
        return found

    def _keep(self, query: Hashable, result: tuple[list[Row], int, list[Row]]) -> None:
        if len(self._kept) >= RESULTS:
            del self._kept[next(iter(self._kept))]
        self._kept[query] = result
