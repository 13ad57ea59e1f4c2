"""Differences between the columns that are declared and the rows that arrive."""

from collections import Counter


class Drift:
    """Collects what is remarkable about each column, and how many rows show it."""

    def __init__(self) -> None:
        """Start without differences."""
        self._remarks: dict[str, str] = {}
        self._counts: dict[str, Counter[str]] = {}

    def remark(self, column: str, what: str) -> None:
        """Describe a column; the last description counts."""
        self._remarks[column] = what

    def count(self, column: str, what: str, rows: int) -> None:
        """Add rows in which a column is remarkable in some way."""
        self._counts.setdefault(column, Counter())[what] += rows

    def by_column(self) -> dict[str, str]:
        """Return the differences of each column as one text."""
        found = {column: [remark] for column, remark in self._remarks.items()}
        for column, counts in self._counts.items():
            found.setdefault(column, []).extend(f"{what} (rows: {count})" for what, count in counts.items())
        return {column: "; ".join(remarks) for column, remarks in found.items()}

    def forget_rows(self) -> None:
        """Forget the counts of rows, but not what is known about the columns."""
        self._counts = {}
