"""Write the rows of a file straight into the table where that gives what a merge gives, which writes them twice."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.schema import Schema, TTableSchemaColumns
from dlt.destinations.sql_client import SqlClientBase
from pyarrow import csv

from connectors_dagster.compat.dlt_internals import (
    DEDUPLICATED,
    SOURCE_FILTER,
    get_columns_names_with_prop,
    has_column_with_prop,
    open_packed,
)
from connectors_dagster.errors import LoadError
from connectors_dagster.load.key_index import index_key
from connectors_dagster.load.package import Package
from connectors_dagster.load.traits import destination_traits

REMOVE_OTHERS = ("merge_key", "hard_delete")
"""Column hints with which a merge also removes rows with other keys."""
NEW = "keys_of_load"
"""The name of a temporary table, which no schema has."""
COMMON_KEYS = "SELECT count(*) FROM {known} WHERE ({columns}) IN (SELECT {columns} FROM {new})"
"""Asked for a single one, Postgres hopes to find it soon and, if there is none, has compared each key with each row."""


def write_directly(pipeline: dlt.Pipeline, package: Package, table: str) -> Sequence[str]:
    """Change a package so that its rows are written at once: appended if the table has none of their keys, else merged.

    Only for a package of one file: it is written as a whole or not at all. The caller is the only writer until the
    package is loaded. Rows that are written as SQL text are merged by dlt. A large table in Postgres gets an index.

    Returns:
        The columns of the key by which a file is merged; empty if it is not, or dlt does it.

    Raises:
        LoadError: the key is another one than that of the rows in the table.
    """
    traits = destination_traits()
    readable = "parquet" if traits.reads_parquet else "csv" if traits.copies_csv else ""
    schema, files = package.schema, package.files_of(table)
    if [file.job_file_info.file_format for file in files] != [readable] or not _keys_decide(schema, table):
        return ()
    file, keys = files[0].file_path, tuple[str, ...]()
    with _known(pipeline, schema, table) as known:
        if known and _has_keys_of(known, file):
            overtaken = SOURCE_FILTER in schema.tables[table]  # by another load, whose newer rows dlt leaves there
            if overtaken or not traits.merges_files:
                return ()
            keys = tuple(known.keys)
    schema.tables[table]["write_disposition"] = "append"
    for column in schema.tables[table]["columns"].values():
        column.pop("dedup_sort", None)  # dlt warns about hints that only a merge uses; older loads stored it
    package.save()
    return keys


def _keys_decide(schema: Schema, table: str) -> bool:
    hints = schema.tables[table]
    if any(other.get("parent") == table for other in schema.tables.values()):
        return False  # with child tables, there are files of several tables
    return hints.get(DEDUPLICATED) is True and not any(has_column_with_prop(hints, hint) for hint in REMOVE_OTHERS)


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A table that the destination has.

    Args:
        sql: a connection to the destination.
        label: names the table in errors.
        staged: the table that dlt merges from, which may not be there, as SQL writes it.
        name: the table, as SQL writes it.
        keys: the columns of the key of the package.
        stored: the columns that the table has, by name, as dlt describes them.
    """

    sql: SqlClientBase[Any]
    label: str
    staged: str
    name: str
    keys: Sequence[str]
    stored: TTableSchemaColumns

    @property
    def columns(self) -> str:
        """The columns of the key, as SQL writes them."""
        return ", ".join(map(self.sql.escape_column_name, self.keys))

    def drop(self) -> None:
        """Drop the table, and the one that dlt merges from."""
        for name in (self.name, self.staged):
            self.sql.execute_sql(f"DROP TABLE IF EXISTS {name}")


@contextmanager
def _known(pipeline: dlt.Pipeline, schema: Schema, table: str) -> Iterator[_Known | None]:
    """Open the destination and look a table up; None if it is not there."""
    client: Any
    with pipeline.destination_client(schema.name) as client:
        there, stored = client.get_storage_table(table)
        sql: SqlClientBase[Any] = client.sql_client
        keys = get_columns_names_with_prop(schema.tables[table], "primary_key")
        label, name = f"{pipeline.dataset_name}.{table}", sql.make_qualified_table_name(table)
        with sql.with_staging_dataset():
            staged = sql.make_qualified_table_name(table)
        yield _Known(sql=sql, label=label, staged=staged, name=name, keys=keys, stored=stored) if there else None


def _has_keys_of(known: _Known, file: str) -> bool:
    """Return whether a table may have a key that is also in a file; in Postgres, a large table gets an index first.

    Raises:
        LoadError: the key is another one than that of the rows in the table.
    """
    sql, columns = known.sql, known.columns
    if added := [key for key in known.keys if key not in known.stored]:
        if sql.execute_sql(f"SELECT 1 FROM {known.name} LIMIT 1"):
            raise LoadError(
                f"{known.label} has rows without {', '.join(added)}, which the key has now: reset the resource with "
                "`connectors reset --drop-rows`, and the next load reads all rows again"
            )
        if destination_traits().reads_parquet:  # DuckDB 1 adds no column that must have a value: dlt creates the tables
            known.drop()
        return False
    if destination_traits().reads_parquet:
        query = f"SELECT 1 FROM read_parquet(%s) SEMI JOIN {known.name} USING ({columns}) LIMIT 1"
        return bool(sql.execute_sql(query, file))
    index_key(sql, known.name, {key: known.stored[key].get("data_type") for key in known.keys})
    return _has_keys_of_csv(known, file)


def _has_keys_of_csv(known: _Known, file: str) -> bool:
    """Let Postgres compare the keys of a table with those of a file, which it gets in a temporary table."""
    sql, columns = known.sql, known.columns
    try:
        new = _key_columns(file, known.keys)
    except pa.ArrowInvalid:  # a row is larger than a block of the reader: a merge is right, too
        return True
    with sql.begin_transaction():
        sql.execute_sql(f"CREATE TEMPORARY TABLE {NEW} ON COMMIT DROP AS SELECT {columns} FROM {known.name} LIMIT 0")
        connection: Any = sql.native_connection
        with connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {NEW} FROM STDIN (FORMAT csv)", new)
        sql.execute_sql(f"ANALYZE {NEW}")  # else Postgres takes them for 200 keys, and looks up each of a million alone
        [(common,)] = sql.execute_sql(COMMON_KEYS.format(new=NEW, known=known.name, columns=columns)) or ()
        return bool(common)


def _key_columns(file: str, keys: Sequence[str]) -> io.BytesIO:
    """Read the columns of a key from a CSV file, as they are written there, without a header."""
    texts = csv.ConvertOptions(include_columns=keys, column_types=dict.fromkeys(keys, pa.string()))
    lines = csv.ParseOptions(newlines_in_values=True)
    with open_packed(file) as source, csv.open_csv(source, convert_options=texts, parse_options=lines) as reader:
        found = io.BytesIO()
        with csv.CSVWriter(found, reader.schema, write_options=csv.WriteOptions(include_header=False)) as writer:
            for batch in reader:
                writer.write_batch(batch)
    found.seek(0)
    return found
