"""Copies the tables of a family from another destination, with the rows that the API no longer returns."""

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing

import dlt
import pyarrow as pa
from dlt.common.schema import Schema
from dlt.sources import DltResource, DltSource

from connectors_dagster.compat.dlt_internals import AnyDestination, arrow_type
from connectors_dagster.config.dlt_defaults import use_defaults
from connectors_dagster.config.settings import destination_name
from connectors_dagster.config.values import environment
from connectors_dagster.errors import LoadError, SettingError
from connectors_dagster.load import ducklake
from connectors_dagster.load.destination import (
    LOAD_ID,
    build_destination,
    check_destination,
    database_file,
    file_format,
    nobody_writing,
)
from connectors_dagster.load.dlt_errors import without_expected_warnings
from connectors_dagster.load.family import explained, open_family
from connectors_dagster.load.inventory import columns_in, refuse_foreign_tables
from connectors_dagster.load.lake import prepare_folders, tables_of
from connectors_dagster.load.traits import TRAITS, destination_traits
from connectors_dagster.rows.arrow_arrays import without_nul
from connectors_dagster.spec.plural import noun
from connectors_dagster.spec.resource import Resource

ROWS = 20_000


def copy_rows(resources: Sequence[Resource], *, source: str) -> dict[str, int]:
    """Copy all tables of the family of some resources into the configured destination, where they must not exist yet.

    The rows get a load of their own. No window counts as loaded there: the next loads read all windows and replace the
    rows that the API still has.

    Args:
        resources: of one family.
        source: the name of the destination with the rows; its settings are those with which they were loaded.

    Returns:
        The number of rows by table; empty if the source has no table of the family.

    Raises:
        SettingError: the source or the target is a destination with which that cannot be done; nothing was read.
        LoadError: a table is there already, or has child tables of dlt, or rows were lost on the way; or the source
            cannot be read.
        DestinationBusyError: another process keeps a destination busy.
    """
    connector, family = resources[0].connector, resources[0].pipeline_name
    use_defaults()
    _check(source)
    origin, target = build_destination(source), build_destination()
    check_destination(target, connector.name)
    with (
        open_family(target, connector.name, family, "copying rows of") as opened,
        explained(family),
        nobody_writing("copying rows from it", name=source),
    ):
        pipeline, stored = opened.pipeline, dlt.dataset(origin, connector.name, schema=family).schema
        tables = [str(table["name"]) for table in stored.data_tables(seen_data_only=True)]
        with opened.at_destination():
            pipeline.sync_destination()
            prepare_folders(pipeline, resources)
            _refuse(pipeline, stored, tables)
        counts: dict[str, int] = {}
        rows = [_resource(origin, pipeline, stored, table, counts) for table in tables]
        with without_expected_warnings():
            made = DltSource(Schema(family), connector.name, rows)
            pipeline.extract(made, loader_file_format=file_format(target, arrow=True))
            ready = pipeline.normalize().row_counts
        if lost := [table for table in tables if ready.get(table, 0) != counts.get(table, 0)]:
            raise LoadError(f"{family}: rows of {', '.join(lost)} were lost on the way: nothing was copied")
        with opened.at_destination(), without_expected_warnings():
            pipeline.load()
    return {f"{connector.name}.{table}": count for table, count in counts.items()}


def _check(source: str) -> None:
    """Refuse a source or a target with which rows cannot be copied exactly, before anything is opened.

    Raises:
        SettingError: names it, and what can be done.
        LoadError: the file to copy from is not there.
    """
    target = f"{environment('connectors.destination')} is {destination_name()!r}"
    if not destination_traits(source).copied_from:
        known = ", ".join(name for name, traits in TRAITS.items() if traits.copied_from)
        raise SettingError(f"rows cannot be copied from {source!r}, only from {known}: load what is there again")
    if destination_traits(source) is destination_traits():
        raise SettingError(f"the rows are to be copied from {source}, and {target} too: set it to another destination")
    if not destination_traits().describes_tables:
        raise SettingError(f"{target}, which does not say which tables it has: rows cannot be copied into it")
    if source == "ducklake":
        ducklake.check_extensions()
    file = database_file(source)
    if file and not file.exists():
        raise LoadError(f"{file}: there is no such file, so nothing can be copied from {source}: set its path")


def _refuse(pipeline: dlt.Pipeline, stored: Schema, tables: Sequence[str]) -> None:
    """Refuse to copy what would be there twice, or what cannot be copied."""
    if nested := [table for table in tables if stored.tables[table].get("parent")]:
        raise LoadError(
            f"{pipeline.pipeline_name}: {', '.join(nested)} are child tables that dlt has made, which cannot be "
            "copied: load the family again"
        )
    with tables_of(pipeline) as client:
        known = columns_in(client)
        refuse_foreign_tables(client.dataset_name, known, tables)
        query = "SELECT 1 FROM {} LIMIT 1"  # an empty one is left if a copy fails
        names = {table: client.make_qualified_table_name(table) for table in tables if table.lower() in known}
        there = [table for table, name in names.items() if client.execute_sql(query.format(name))]
    if there:
        raise LoadError(
            f"{pipeline.dataset_name}: {noun(len(there), 'table')} {', '.join(there)} already there: copy before the "
            "first load, or drop them first"
        )


def _resource(
    origin: AnyDestination, pipeline: dlt.Pipeline, stored: Schema, table: str, counts: dict[str, int]
) -> DltResource:
    columns = {name: hints for name, hints in stored.get_table_columns(table).items() if name != LOAD_ID}
    capabilities = pipeline.destination.capabilities()
    schema = pa.schema(
        pa.field(name, arrow_type(hints, capabilities), nullable=hints.get("nullable", True))
        for name, hints in columns.items()
    )

    texts = {name for name, hints in columns.items() if hints.get("data_type") == "json"}

    def rows() -> Iterator[pa.Table]:
        with closing(_read(origin, pipeline.dataset_name, table, schema, texts)) as batches:
            for batch in batches:
                counts[table] = counts.get(table, 0) + batch.num_rows
                yield batch if destination_traits().stores_nul else _without_nul(batch, texts)

    made: DltResource = dlt.resource(
        rows,
        name=table,
        columns=dict(columns),
        write_disposition="append",
        table_format=destination_traits().table_format or "native",
    )
    return made


def _read(
    origin: AnyDestination, dataset: str, table: str, schema: pa.Schema, texts: Collection[str]
) -> Generator[pa.RecordBatch, None, None]:
    """Yield the rows of a table; `texts` are the columns of type json, which are read as text."""
    with dlt.dataset(origin, dataset).sql_client as client:
        names = {name: client.escape_column_name(name) for name in schema.names}
        wanted = ", ".join(f"CAST({column} AS varchar)" if name in texts else column for name, column in names.items())
        with client.execute_query(f"SELECT {wanted} FROM {client.make_qualified_table_name(table)}") as cursor:
            while rows := cursor.fetchmany(ROWS):
                values = zip(zip(*rows, strict=True), schema.types, strict=True)
                yield pa.RecordBatch.from_arrays([pa.array(column, kind) for column, kind in values], schema=schema)


def _without_nul(batch: pa.RecordBatch, jsons: Collection[str]) -> pa.RecordBatch:
    """Write NUL in texts as a load does for a destination that does not store it."""
    columns = [
        without_nul(column, json=name in jsons)[0] if pa.types.is_string(column.type) else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
