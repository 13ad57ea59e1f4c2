"""Which loads and tables a destination holds, to compare them with what was recorded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from dlt.common.schema import Schema
from dlt.destinations.exceptions import DatabaseException, DatabaseUndefinedRelation
from dlt.destinations.sql_client import SqlClientBase

from connectors_dagster.errors import DestinationBusyError, LoadError, TransientLoadError
from connectors_dagster.load.destination import LOAD_ID, is_new, reading
from connectors_dagster.load.lake_tables import LOADS, VERSIONS, LakeTables
from connectors_dagster.load.traits import destination_traits

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
    if is_new():
        return Inventory()
    try:
        with reading(dataset, timeout=TIMEOUT) as client:
            return Inventory(loads=frozenset(_loads(client)), columns=columns_in(client))
    except (DestinationBusyError, LoadError, DatabaseException):
        return None  # a load that needs the destination will say what is wrong


def columns_in(client: SqlClientBase[Any]) -> Columns:
    """Read the names of all columns of a dataset by table, in lower case."""
    if isinstance(client, LakeTables):
        return client.columns()
    query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
    columns: dict[str, set[str]] = defaultdict(set)
    for table, column in client.execute_sql(query, client.dataset_name) or ():
        columns[str(table).lower()].add(str(column).lower())
    return {table: frozenset(names) for table, names in columns.items()}


def count_rows(client: SqlClientBase[Any], table: str) -> int | None:
    """Count the rows of a table; None if there is no such table."""
    try:
        counted = client.execute_sql(f"SELECT count(*) FROM {client.make_qualified_table_name(table)}")
    except DatabaseUndefinedRelation:
        return None
    return int((counted or [(0,)])[0][0])


def completed_loads(client: SqlClientBase[Any], family: str) -> frozenset[str]:
    """Return the ids of all loads of a family."""
    return frozenset(_loads(client, family))


def last_load(client: SqlClientBase[Any], family: str) -> str | None:
    """Return the id of the last load of a family, or None if there is none."""
    return max(completed_loads(client, family), default=None)


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
    if altered and isinstance(client, LakeTables):
        client.forget(stored.name)
        return altered
    for table in {LOADS, VERSIONS} & found.keys() if altered else ():
        name = client.make_qualified_table_name(table)
        client.execute_sql(f"DELETE FROM {name} WHERE schema_name = %s", stored.name)
    return altered


def refuse_gap(client: SqlClientBase[Any], after: Set[str]) -> None:
    """Refuse to continue loads that the destination does not hold any more: what was read lacks their rows.

    Raises:
        TransientLoadError: the destination was exchanged or altered after it was decided where to resume windows.
    """
    if not after <= set(_loads(client) if after else ()):
        raise TransientLoadError(
            f"{client.dataset_name}: the destination was exchanged, restored or altered by hand since the last load, "
            "which this one should continue: nothing was loaded; the next attempt reads windows from their start"
        )


def refuse_retyped(client: Any, stored: Schema) -> None:
    """Refuse to load into a column whose type was altered by hand: its values would be rounded or otherwise changed.

    Args:
        client: dlt's client of the destination.
        stored: the tables of the family according to its last load.

    Raises:
        TransientLoadError: a column got another type since `stored` was read, and dlt knows it.
        LoadError: names the column and its types, and says what to do.
    """
    if destination_traits().table_format:
        return  # neither format changes the type of a column so that values would be lost
    tables = {str(table["name"]): stored.get_table_columns(str(table["name"])) for table in stored.data_tables()}
    for table, found in client.get_storage_tables(tables):
        for name in found.keys() & tables[table].keys():
            now, before = (_kind(client, columns[name]) for columns in (found, tables[table]))
            if now == before:
                continue
            column = f"{client.sql_client.dataset_name}.{table}.{name}"
            newest = client.get_stored_schema(stored.name)
            if newest and newest.version_hash != stored.stored_version_hash:
                raise TransientLoadError(
                    f"{column} got another type while rows were read: nothing was loaded; the next attempt reads them "
                    "again"
                )
            raise LoadError(
                f"{column} was altered by hand: it is {now} and was "
                f"{before} after the last load. Values would be changed, so nothing was loaded: rename or drop the "
                "table; the next load creates it again, and its windows count as not loaded"
            )


def _kind(client: Any, column: Mapping[str, Any]) -> str:
    """Describe the type of a column as far as values depend on it; decimals with the digits after the point."""
    kind = str(column.get("data_type"))
    if kind not in ("decimal", "wei"):
        return kind
    default = client.capabilities.wei_precision if kind == "wei" else client.capabilities.decimal_precision
    return f"decimal with {column.get('scale', default[1])} digits after the point"


def _loads(client: SqlClientBase[Any], family: str | None = None) -> Iterable[str]:
    if isinstance(client, LakeTables):
        return client.loads(family)
    query = f"SELECT load_id FROM {client.make_qualified_table_name(LOADS)} WHERE status = 0"
    try:
        found = client.execute_sql(f"{query} AND schema_name = %s", family) if family else client.execute_sql(query)
    except DatabaseUndefinedRelation:
        return []
    return [str(load_id) for (load_id,) in found or ()]


def _names(columns: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in columns)
