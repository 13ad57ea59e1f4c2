"""Which loads and tables a destination holds, to compare them with what was recorded."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dlt
from dlt.common.schema import Schema
from dlt.destinations.exceptions import DatabaseException, DatabaseUndefinedRelation
from dlt.destinations.sql_client import SqlClientBase

from connectors_dagster.config.settings import destination_name
from connectors_dagster.errors import DestinationBusyError, LoadError
from connectors_dagster.load.destination import duckdb_file, reading
from connectors_dagster.load.traits import TRAITS

LOADS, VERSIONS = "_dlt_loads", "_dlt_version"
TIMEOUT = 5.0
"""Seconds to wait for a destination that is being written."""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The ids of all loads of a connector that the destination holds, and the columns of its tables, by table."""

    loads: frozenset[str] = frozenset()
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def holds(self, load_id: str, table: str | None = None) -> bool:
        """Return whether a load, and a table if given, are there."""
        return load_id in self.loads and (table is None or table.lower() in self.columns)


def take_inventory(dataset: str) -> Inventory | None:
    """Read what the destination holds of a connector; None if that cannot be found out now."""
    if destination_name() not in TRAITS:
        return None  # it may not describe its tables in the same way
    if destination_name() == "duckdb" and not duckdb_file().exists():
        return Inventory()
    try:
        with reading(dataset, timeout=TIMEOUT) as client:
            return Inventory(loads=frozenset(_loads(client)), columns=columns_in(client))
    except (DestinationBusyError, LoadError, DatabaseException):
        return None  # a load that needs the destination will say what is wrong


def columns_in(client: SqlClientBase[Any]) -> Mapping[str, frozenset[str]]:
    """Read the names of all columns of a dataset by table, in lower case."""
    query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
    columns: dict[str, set[str]] = defaultdict(set)
    for table, column in client.execute_sql(query, client.dataset_name) or ():
        columns[str(table).lower()].add(str(column).lower())
    return {table: frozenset(names) for table, names in columns.items()}


def last_load(client: SqlClientBase[Any], family: str) -> str | None:
    """Return the id of the last load of a family, or None if there is none."""
    return max(_loads(client, family), default=None)


def forget_if_altered(pipeline: dlt.Pipeline, client: SqlClientBase[Any], stored: Schema) -> list[str]:
    """Forget the loads of a family if one of its tables was dropped, or lost a column, since its last load.

    Its next load creates the tables again, and its windows count as not loaded.

    Args:
        pipeline: the pipeline of the family.
        client: a connection to the destination.
        stored: the tables of the family according to its last load.

    Returns:
        The names of these tables.
    """
    found = columns_in(client)
    tables = {str(table["name"]): stored.get_table_columns(str(table["name"])) for table in stored.data_tables()}
    altered = [name for name, columns in tables.items() if not _names(columns) <= found.get(name.lower(), frozenset())]
    for table in (LOADS, VERSIONS) if altered else ():
        name = client.make_qualified_table_name(table)
        client.execute_sql(f"DELETE FROM {name} WHERE schema_name = %s", pipeline.pipeline_name)
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
