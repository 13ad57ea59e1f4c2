"""The DuckDB file that a test loads into."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb


@dataclass
class Warehouse:
    """Reads tables; the file is open only during a query."""

    path: Path

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def change(self, sql: str) -> None:
        """Run a statement, as a person would by hand."""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(sql)

    def column(self, table: str, column: str, *, order_by: str | None = None) -> list[Any]:
        """Return one column of a table, in the order of its values or of another column."""
        return [row[0] for row in self.query(f"SELECT {column} FROM {table} ORDER BY {order_by or column}")]

    def ids(self, table: str) -> list[Any]:
        """Return the sorted ids of a table, including duplicates."""
        return self.column(table, "id")

    def tables(self) -> set[str]:
        """Return the names of all tables, with their schema."""
        rows = self.query("SELECT table_schema || '.' || table_name FROM information_schema.tables")
        return {row[0] for row in rows}
