"""The newest rows of a table, for people."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dlt.destinations.exceptions import DatabaseUndefinedRelation

from connectors_dagster.config.placeholders import is_configured
from connectors_dagster.errors import LoadError
from connectors_dagster.load.destination import LOAD_ID, reading
from connectors_dagster.load.inventory import columns_in
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.spec.resource import Resource


def newest_rows(resource: Resource, limit: int) -> list[dict[str, Any]]:
    """Read the rows with the newest cursor, else those of the newest load; nested fields are parsed.

    The columns that a load adds for itself are left out.

    Raises:
        LoadError: there is no table yet.
        DestinationBusyError: another process keeps the database open.
    """
    with reading(resource.connector.name) as client:
        name = client.escape_column_name
        table = client.make_qualified_table_name(resource.name)
        described = destination_traits().describes_tables
        there = columns_in(client).get(resource.name.lower(), frozenset()) if described else {*resource.columns}
        order = [column for column in (resource.cursor_path or "", LOAD_ID, *resource.primary_key) if column in there]
        by = f" ORDER BY {', '.join(f'{name(column)} DESC' for column in order)}" if order else ""
        try:
            with client.execute_query(_first(f"* FROM {table}{by}", int(limit))) as cursor:
                columns = [column[0] for column in cursor.description]
                rows = cursor.fetchall()
        except DatabaseUndefinedRelation:
            connector = resource.connector
            ready = is_configured(connector)
            next_step = f"run {resource}` loads it" if ready else f"init {connector.name}` asks for its settings"
            raise LoadError(f"{resource} is not loaded yet: `connectors {next_step}") from None
    return [_readable(columns, row) for row in rows]


def _first(query: str, limit: int) -> str:
    return f"SELECT TOP {limit} {query}" if destination_traits().says_top else f"SELECT {query} LIMIT {limit}"


def _readable(columns: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    named: Mapping[str, Any] = dict(zip(columns, row, strict=True))
    return {column: _parsed(value) for column, value in named.items() if not column.startswith("_dlt_")}


def _parsed(value: Any) -> Any:
    """Parse a nested field, which databases return as text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
