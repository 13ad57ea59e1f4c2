"""The tables that a test loads into, at the destination that `--destination` names."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import fsspec
from fsspec.spec import AbstractFileSystem


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


class FolderTables(Tables):
    """A folder of Delta or Iceberg tables, read with the libraries of these formats."""

    @property
    @abstractmethod
    def folder(self) -> str:
        """The folder of the datasets, as `files` spells it."""

    @property
    @abstractmethod
    def files(self) -> AbstractFileSystem:
        """The file system with the folder."""

    @property
    def options(self) -> Mapping[str, Mapping[str, str]]:
        """What the library of a format needs to read these files."""
        return {}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for dataset in self._folders(self.folder):
                name = Path(dataset).name
                connection.execute(f'CREATE SCHEMA "{name}"')
                for folder in self._folders(dataset):
                    if (rows := self._rows(folder)) is not None:
                        connection.register("rows", rows)
                        connection.execute(f'CREATE TABLE "{name}"."{Path(folder).name}" AS SELECT * FROM rows')
            return connection.execute(sql).fetchall()

    def _folders(self, folder: str) -> list[str]:
        return [one["name"] for one in self.files.ls(folder, detail=True) if one["type"] == "directory"]

    def _rows(self, folder: str) -> Any:
        """Read a table; None if the folder has none."""
        if self.files.exists(f"{folder}/_delta_log"):
            from deltalake import DeltaTable

            options = dict(self.options.get("delta", {}))
            return DeltaTable(self.files.unstrip_protocol(folder), storage_options=options).to_pyarrow_table()
        if metadata := sorted(self.files.glob(f"{folder}/metadata/*.json")):
            from pyiceberg.table import StaticTable

            newest = self.files.unstrip_protocol(metadata[-1])
            return StaticTable.from_metadata(newest, dict(self.options.get("iceberg", {}))).scan().to_arrow()
        return None


@dataclass
class Lake(FolderTables):
    """Such a folder on this machine."""

    path: Path

    @property
    def folder(self) -> str:
        """Its path."""
        return str(self.path)

    @property
    def files(self) -> AbstractFileSystem:
        """The files of this machine."""
        return fsspec.filesystem("file")
