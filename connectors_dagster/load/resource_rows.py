"""How the rows of a resource get into its tables: as Arrow batches, or as objects of which dlt makes child tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dlt
from dlt.common.schema import Schema, TTableSchemaColumns

from connectors_dagster.config import settings
from connectors_dagster.errors import LoadError
from connectors_dagster.load.arrow_rows import ArrowRows
from connectors_dagster.load.destination import LOAD_ID
from connectors_dagster.load.nested_rows import NestedRows
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.read.row_reader import RowReader
from connectors_dagster.rows.nested_tables import MOST_LEVELS, NestedTables, TablePath
from connectors_dagster.rows.table_columns import ROW_ID, TableColumns
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.timestamps import TimestampFormat


def rows_of(pipeline: dlt.Pipeline, reader: RowReader, schema: Schema) -> ArrowRows | NestedRows:
    """Choose how the rows of a resource are loaded; `schema` has the tables that the destination has.

    Lists and objects are json columns if columns are declared or copied from a parent, unless `max_table_nesting`
    asks for child tables. A table that was loaded without child tables stays without them.

    Raises:
        LoadError: child tables are declared for a table that was loaded without them.
    """
    resource = reader.resource
    levels = resource.definition.get("max_table_nesting")
    stored = _stored(schema, resource.name)
    single = LOAD_ID in stored and ROW_ID not in stored
    if levels and single:
        raise LoadError(
            f"{resource}: the table was loaded without child tables, and max_table_nesting asks for them: drop the "
            "table and reload it, or remove max_table_nesting"
        )
    if (resource.columns or single or not destination_traits().child_tables) and not levels:
        return ArrowRows(reader, _columns(pipeline, resource, schema, stored))

    # The naming convention that dlt returns before a pipeline runs does not know the maximum length of names.
    naming = type(schema.naming)(pipeline.destination.capabilities().max_identifier_length)

    def make(path: TablePath) -> TableColumns:
        found = _stored(schema, naming.shorten_fragments(resource.name, *path))
        own = {name: hints for name, hints in found.items() if not name.startswith("_dlt")}
        return _columns(pipeline, resource, schema, own, path, nested=True)

    tables = NestedTables(make, levels=MOST_LEVELS if levels is None else min(levels, MOST_LEVELS))
    return NestedRows(reader, Path(pipeline.pipelines_dir), tables)


def columns_of(pipeline: dlt.Pipeline, resource: Resource, schema: Schema) -> TableColumns:
    """Return the columns of the table of a resource; `schema` has the tables that the destination has."""
    return _columns(pipeline, resource, schema, _stored(schema, resource.name))


def _columns(
    pipeline: dlt.Pipeline,
    resource: Resource,
    schema: Schema,
    stored: TTableSchemaColumns,
    path: TablePath = (),
    *,
    nested: bool = False,
) -> TableColumns:
    return TableColumns(
        label=" ".join((str(resource), *path)),
        declared=resource.columns if not path else {},
        keys=frozenset(resource.primary_key if not path else ()),
        naming=schema.naming,
        capabilities=pipeline.destination.capabilities(),
        stores_nul=destination_traits().stores_nul,
        stored=stored,
        timestamp_format=resource.cursor.timestamp_format if resource.cursor else TimestampFormat(),
        limits=settings.limits(resource.connector),
        inferred=nested or not resource.connector.tables.get(resource.name),
    )


def _stored(schema: Schema, table: str) -> TTableSchemaColumns:
    found: Mapping[str, Any] = schema.tables.get(table, {})
    columns: TTableSchemaColumns = found.get("columns", {})
    return columns
