"""Which loads and tables a destination holds, to compare them with what was recorded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from dlt.common.schema import Schema
from dlt.destinations.exceptions import DatabaseException, DatabaseUndefinedRelation
from dlt.destinations.sql_client import SqlClientBase

from connectors_dagster.errors import DestinationBusyError, LoadError
from connectors_dagster.load.destination import LOAD_ID, duckdb_file, reading
from connectors_dagster.load.traits import destination_traits

LOADS, VERSIONS = "_dlt_loads", "_dlt_version"
TIMEOUT = 5.0
"""Seconds to wait for a destination that is being written."""
Columns = Mapping[str, Set[str]]
"""The names of columns by table, in lower case."""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The ids of all loads of a connector that the destination holds, and the columns of its tables, by table."""

    loads: frozenset[str] = frozenset()
    columns: Columns = field(default_factory=dict)

    def holds(self, load_id: str, table: str | None = None) -> bool:
        """Return whether a load, and a table if given, are there."""
        return load_id in self.loads and (table is None or table.lower() in self.columns)


def take_inventory(dataset: str) -> Inventory | None:
    """Read what the destination holds of a connector; None if that cannot be found out now."""
    if not destination_traits().describes_tables:
        return None
    if destination_traits().in_file and duckdb_file().parent.is_dir() and not duckdb_file().exists():
        return Inventory()
    try:
        with reading(dataset, timeout=TIMEOUT) as client:
            return Inventory(loads=frozenset(_loads(client)), columns=columns_in(client))
    except (DestinationBusyError, LoadError, DatabaseException):
        return None  # a load that needs the destination will say what is wrong


def columns_in(client: SqlClientBase[Any]) -> Columns:
    """Read the names of all columns of a dataset by table, in lower case."""
    query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
    columns: dict[str, set[str]] = defaultdict(set)
    for table, column in client.execute_sql(query, client.dataset_name) or ():
        columns[str(table).lower()].add(str(column).lower())
    return {table: frozenset(names) for table, names in columns.items()}


def last_load(client: SqlClientBase[Any], family: str) -> str | None:
    """Return the id of the last load of a family, or None if there is none."""
    return max(_loads(client, family), default=None)


def refuse_foreign_tables(dataset: str, found: Columns, tables: Iterable[str]) -> None:
    """Refuse to load into tables that were not created by a load: dlt would add its columns to them.

    Raises:
        LoadError: a table exists without the column that records the load of each row.
    """
    for table in tables:
        if LOAD_ID not in found.get(table.lower(), {LOAD_ID}):
            raise LoadError(
                f"{dataset}.{table} was not created by a load, or was altered by hand: it has no column {LOAD_ID}: "
                "rename or drop the table; the next load creates it"
            )


def forget_if_altered(client: SqlClientBase[Any], found: Columns, stored: Schema) -> list[str]:
    """Forget the loads of a family if one of its tables was dropped, or lost a column, since its last load.

    Its next load creates the tables again, and its windows count as not loaded.

    Args:
        client: a connection to the destination.
        found: the columns that the destination has.
        stored: the tables of the family according to its last load.

    Returns:
        The names of these tables.
    """
    tables = {str(table["name"]): stored.get_table_columns(str(table["name"])) for table in stored.data_tables()}
    altered = [name for name, columns in tables.items() if not _names(columns) <= found.get(name.lower(), frozenset())]
    for table in (LOADS, VERSIONS) if altered else ():
        name = client.make_qualified_table_name(table)
        client.execute_sql(f"DELETE FROM {name} WHERE schema_name = %s", stored.name)
    return altered


def _loads(client: SqlClientBase[Any], family: str | None = None) -> Iterable[str]:
    query = f"SELECT load_id FROM {client.make_qualified_table_name(LOADS)} WHERE status = 0"
    try:
        found = client.execute_sql(f"{query} AND schema_name = %s", family) if family else client.execute_sql(query)
    except DatabaseUndefinedRelation:
        return []
    return [str(load_id) for (load_id,) in found or ()]


def _names(columns: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in columns)
