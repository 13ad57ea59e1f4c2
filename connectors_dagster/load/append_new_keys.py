"""Append instead of merge when a DuckDB table has none of the keys: a merge would write the rows twice."""

from typing import Any

import dlt
from dlt.common.schema import Schema
from dlt.destinations.sql_client import SqlClientBase

from connectors_dagster.compat.dlt_internals import (
    DEDUPLICATED,
    get_columns_names_with_prop,
    has_column_with_prop,
    normalized_packages,
)
from connectors_dagster.load.traits import destination_traits

REMOVE_OTHERS = ("merge_key", "hard_delete")
"""Column hints with which a merge also removes rows with other keys."""


def append_new_keys(pipeline: dlt.Pipeline, load_id: str, table: str) -> None:
    """Change a package to append if the table has none of its keys, which gives the same result as a merge.

    Only for a package of one file: one statement succeeds or fails as a whole. The caller is the only writer until the
    package is loaded.
    """
    if not destination_traits().reads_parquet:
        return
    info = pipeline.get_load_package_info(load_id)
    package = normalized_packages(info.package_path)
    schema = package.load_schema(load_id)
    files = [job.file_path for job in info.jobs["new_jobs"] if job.job_file_info.table_name == table]
    if len(files) != 1 or not _keys_decide(schema, table) or _has_keys_of(pipeline, schema, table, files[0]):
        return
    schema.tables[table]["write_disposition"] = "append"
    for column in schema.tables[table]["columns"].values():
        column.pop("dedup_sort", None)  # dlt warns about hints that only a merge uses; older loads stored it
    package.save_schema(load_id, schema)


def _keys_decide(schema: Schema, table: str) -> bool:
    hints = schema.tables[table]
    if any(other.get("parent") == table for other in schema.tables.values()):
        return False  # with child tables, there are files of several tables
    return hints.get(DEDUPLICATED) is True and not any(has_column_with_prop(hints, hint) for hint in REMOVE_OTHERS)


def _has_keys_of(pipeline: dlt.Pipeline, schema: Schema, table: str, file: str) -> bool:
    """Return whether the table exists and has a key that is also in the file."""
    keys = get_columns_names_with_prop(schema.tables[table], "primary_key")
    client: Any
    with pipeline.destination_client(schema.name) as client:
        there, _ = client.get_storage_table(table)
        sql: SqlClientBase[Any] = client.sql_client
        known, using = sql.make_qualified_table_name(table), ", ".join(map(sql.escape_column_name, keys))
        query = f"SELECT 1 FROM read_parquet(%s) SEMI JOIN {known} USING ({using}) LIMIT 1"
        return there and bool(sql.execute_sql(query, file))
