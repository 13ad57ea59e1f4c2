"""The tables that a test loads into, at the destination that `--destination` names."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb


class Tables(ABC):
    """Reads tables."""

    @abstractmethod
    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""

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


@dataclass
class Warehouse(Tables):
    """A DuckDB file, which is open only during a query."""

    path: Path

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        with self.connected(read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def change(self, sql: str) -> None:
        """Run a statement, as a person would by hand."""
        with self.connected(read_only=False) as connection:
            connection.execute(sql)

    @contextmanager
    def connected(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the file."""
        with duckdb.connect(str(self.path), read_only=read_only) as connection:
            yield connection


@dataclass
class DuckLake(Warehouse):
    """A lake; `path` is its catalog in a DuckDB file."""

    @contextmanager
    def connected(self, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """Attach the catalog, with an extension that is not downloaded."""
        import duckdb_extension_ducklake

        folder = Path(duckdb_extension_ducklake.__path__[0])
        with duckdb.connect() as connection:
            connection.execute("SET autoinstall_known_extensions = false")
            connection.execute(f"LOAD '{next(folder.glob('extensions/*/ducklake.duckdb_extension'))}'")
            connection.execute(f"ATTACH 'ducklake:{self.path}' AS lake{' (READ_ONLY)' if read_only else ''}")
            connection.execute("USE lake")
            yield connection
            connection.execute("USE memory")
            connection.execute("DETACH lake")


@dataclass
class Lake(Tables):
    """A folder of Delta or Iceberg tables, read with the libraries of these formats."""

    path: Path

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for dataset in filter(Path.is_dir, self.path.iterdir()):
                connection.execute(f'CREATE SCHEMA "{dataset.name}"')
                for folder in filter(Path.is_dir, dataset.iterdir()):
                    if (rows := self.rows(folder)) is not None:
                        connection.register("rows", rows)
                        connection.execute(f'CREATE TABLE "{dataset.name}"."{folder.name}" AS SELECT * FROM rows')
            return connection.execute(sql).fetchall()

    def rows(self, folder: Path) -> Any:
        """Read a table; None if the folder has none."""
        if Path(folder, "_delta_log").exists():
            from deltalake import DeltaTable

            return DeltaTable(str(folder)).to_pyarrow_table()
        if metadata := sorted(folder.glob("metadata/*.json")):
            from pyiceberg.table import StaticTable

            return StaticTable.from_metadata(str(metadata[-1])).scan().to_arrow()
        return None
