"""Tables of a lake, queried with SQL and changed through the libraries of their formats.

DuckDB runs the queries in memory. It reads the tables as Arrow, so that no extension of it is downloaded.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dlt.destinations.exceptions import DatabaseUndefinedRelation

from connectors_dagster.compat.dlt_lakes import OpenTable, file_names, open_table, table_names
from connectors_dagster.errors import TransientLoadError

if TYPE_CHECKING:
    import duckdb

LOADS, VERSIONS = "_dlt_loads", "_dlt_version"


class LakeTables:
    """The tables of a dataset; has the methods of dlt's clients of databases that loads and checks use."""

    def __init__(self, client: Any) -> None:
        """Take dlt's client of a filesystem; nothing is opened yet."""
        self._client, self._tables = client, dict[str, OpenTable]()
        self._database: duckdb.DuckDBPyConnection

    @property
    def dataset_name(self) -> str:
        """The folder of the tables."""
        return str(self._client.dataset_name)

    def __enter__(self) -> Self:
        """Start DuckDB."""
        import duckdb  # imported here so that looking up the destination does not load a database

        self._database = duckdb.connect(config={"threads": 2})
        self._database.execute("SET TimeZone = 'UTC'")
        # DuckDB would hand comparisons of texts to Arrow in a type that Arrow cannot compare with its own.
        self._database.execute("SET disabled_optimizers = 'filter_pushdown,join_filter_pushdown'")
        return self

    def __exit__(self, *_: object) -> None:
        """End DuckDB."""
        self._tables.clear()
        self._database.close()

    def escape_column_name(self, name: str) -> str:
        """Quote a name."""
        return '"' + name.replace('"', '""') + '"'

    def make_qualified_table_name(self, name: str) -> str:
        """Return how a query names a table, and open it if it is there."""
        if name not in self._tables and (table := open_table(self._client, name)):
            self._tables[name] = table
            self._database.register(name, table.rows)
        return self.escape_column_name(name)

    def execute_sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a query and return its rows.

        Raises:
            DatabaseUndefinedRelation: there is no such table.
        """
        with self.execute_query(query, *values) as cursor:
            return cursor.fetchall()

    @contextmanager
    def execute_query(self, query: str, *values: Any) -> Iterator["duckdb.DuckDBPyConnection"]:
        """Run a query; yields the cursor.

        Raises:
            DatabaseUndefinedRelation: there is no such table.
        """
        import duckdb

        try:
            yield self._database.execute(query.replace("%s", "?"), list(values))
        except duckdb.CatalogException as error:
            raise DatabaseUndefinedRelation(error) from None

    def delete(self, name: str, condition: str, values: Sequence[Any]) -> None:
        """Delete the rows that meet a condition. The table is rewritten in one commit."""
        table = self.make_qualified_table_name(name)
        self._rewrite(name, f"SELECT * FROM {table} WHERE ({condition}) IS NOT TRUE", condition, values)

    def update(self, name: str, column: str, text: str, condition: str, values: Sequence[Any]) -> None:
        """Set a column to a text, converted to its type, in the rows that meet a condition, in one commit."""
        table, quoted, literal = self.make_qualified_table_name(name), self.escape_column_name(column), repr(text)
        changed = f"CASE WHEN {condition} THEN {literal} ELSE {quoted} END"
        self._rewrite(name, f"SELECT * REPLACE ({changed} AS {quoted}) FROM {table}", condition, values)

    def _rewrite(self, name: str, query: str, condition: str, values: Sequence[Any]) -> None:
        table = self.make_qualified_table_name(name)
        if self.execute_sql(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1", *values):
            rows = self._database.sql(query.replace("%s", "?"), params=list(values)).to_arrow_reader(100_000)
            try:
                self._tables[name].replace(rows.cast(self._tables[name].schema))
            except Exception as error:  # each library has errors of its own
                raise TransientLoadError(
                    f"{self.dataset_name}.{name}: its rows could not be deleted or marked, nothing was changed: "
                    f"{type(error).__name__}: {error}"
                ) from error
            self._database.unregister(name)
            del self._tables[name]  # the next query opens it as it is now

    def columns(self) -> dict[str, frozenset[str]]:
        """Return the names of all columns by table, in lower case."""
        found = {}
        for name in table_names(self._client):
            self.make_qualified_table_name(name)
            columns = self._tables[name].schema.names if name in self._tables else ()
            if columns or name in (LOADS, VERSIONS):
                found[name.lower()] = frozenset(column.lower() for column in columns)
        return found

    def loads(self, family: str | None = None) -> list[str]:
        """Return the ids of the loads of a family, or of all."""
        pairs = (Path(path).stem.rpartition("__") for path in file_names(self._client, LOADS))
        return [load_id for of, _, load_id in pairs if of and family in (None, of)]

    def forget(self, family: str) -> None:
        """Forget the loads and the schema of a family."""
        for table, others in ((LOADS, 1), (VERSIONS, 2)):  # the load, and the hash of the schema
            for path in file_names(self._client, table):
                if Path(path).stem.rsplit("__", others)[0] == family:
                    self._client.fs_client.rm_file(path)


def delete_rows_where(client: Any, name: str, condition: str, values: Sequence[Any] = ()) -> None:
    """Delete the rows of a table that meet a condition, at any destination."""
    if isinstance(client, LakeTables):
        client.delete(name, condition, values)
    else:
        client.execute_sql(f"DELETE FROM {client.make_qualified_table_name(name)} WHERE {condition}", *values)


def set_where(client: Any, name: str, column: str, time: datetime, condition: str, values: Sequence[Any] = ()) -> None:
    """Set a column of a table to a time in the rows that meet a condition, at any destination."""
    if isinstance(client, LakeTables):
        client.update(name, column, time.isoformat(), condition, values)
    else:
        table, quoted = client.make_qualified_table_name(name), client.escape_column_name(column)
        client.execute_sql(f"UPDATE {table} SET {quoted} = %s WHERE {condition}", time, *values)
