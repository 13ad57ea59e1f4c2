"""The first rows of a read as a preview for people: shortened, and with secrets masked."""

from collections.abc import Iterator, Sequence

from connectors_dagster.rows.coercion import as_text
from connectors_dagster.rows.raw_json import NULL, RawRow
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.resource import Resource

COLUMNS = 10
CELL = 32
"""Characters."""


class Preview:
    """Keeps the first rows of a read, shortened.

    Args:
        resource: what is read; its key and cursor come first, columns of json last.
        most: maximum number of rows.
    """

    def __init__(self, resource: Resource, most: int) -> None:
        """Start without rows."""
        self.most = most
        self.rows: list[dict[str, str]] = []
        self.others = 0
        self._first = [*resource.primary_key, *resource.included.values()]
        if resource.cursor_path:
            self._first.append(resource.cursor_path)
        columns = resource.columns
        self._first += sorted(columns, key=lambda name: columns[name].get("data_type") == "json")

    def add(self, rows: Sequence[RawRow]) -> None:
        """Keep rows until there are enough; values are shortened now so that no page stays in memory."""
        for row in rows[: self.most - len(self.rows)]:
            names = [name for name in dict.fromkeys((*self._first, *row)) if name in row]
            self.others = max(self.others, len(names) - COLUMNS)
            self.rows.append({name: _cell(as_text(row[name])) for name in names[:COLUMNS] if row[name] != NULL})

    def as_markdown(self) -> str:
        """Write the rows as a table."""
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        columns = [[_cell(name), "---", *(row.get(name, "") for row in self.rows)] for name in names]
        # Padded to the width of the column, so that the copied text also looks like a table.
        padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
        lines = [f"| {' | '.join(line)} |" for line in zip(*padded, strict=True)]
        return "\n".join([*lines, *self._remark()])

    def _remark(self) -> Iterator[str]:
        if not self.rows:
            yield "No rows."
        elif self.others > 0:
            yield f"\n… and {self.others} more columns"


def _cell(text: str) -> str:
    shown = excerpt(text, CELL + 1)
    shown = f"{shown[:CELL]}…" if len(shown) > CELL else shown
    return " ".join(shown.split()).replace("|", "\\|").replace("<", "&lt;")
