"""Keeps the answer to a query from its first page to its last."""

from collections.abc import Callable, Hashable

from connectors_dagster.sandbox.rows.draw import Row

# Below this, searching again costs less than a few milliseconds, and every change of a row shows at once.
LARGE = 10_000
ANSWERS = 64


class Memory:
    """Spares a large table from being searched and sorted again for each page of the same query.

    A first page always searches; so does any page after rows were added, removed or replaced as a list.
    """

    def __init__(self) -> None:
        """Starts with nothing kept."""
        self._kept: dict[Hashable, tuple[list[Row], int, list[Row]]] = {}

    def recall(
        self, question: Hashable, rows: list[Row], *, first_page: bool, search: Callable[[], list[Row]]
    ) -> list[Row]:
        """Returns what `search` finds in `rows`, or found for an earlier page of the same question."""
        if len(rows) < LARGE:
            return search()
        asked_of, length, found = self._kept.get(question, ([], 0, []))
        if first_page or asked_of is not rows or length != len(rows):
            found = search()
            self._keep(question, (rows, len(rows), found))
        return found

    def _keep(self, question: Hashable, answer: tuple[list[Row], int, list[Row]]) -> None:
        if len(self._kept) >= ANSWERS:
            del self._kept[next(iter(self._kept))]
        self._kept[question] = answer
