"""Rows of a load that another load has overtaken: they do not replace what that one has read later.

Locks keep two runs from reading and loading a family at once. This is for machines that do not share them.
"""

from collections.abc import Collection, Iterable, Sequence, Set
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa

from connectors_dagster.compat.dlt_internals import SOURCE_FILTER, get_columns_names_with_prop
from connectors_dagster.errors import TransientLoadError
from connectors_dagster.load.destination import LOAD_ID
from connectors_dagster.load.duplicates import drop
from connectors_dagster.load.extract import Outcome
from connectors_dagster.load.lake import tables_of
from connectors_dagster.load.lake_tables import LakeTables
from connectors_dagster.load.package import Package
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.spec.resource import Resource

COMPARABLE = ("timestamp", "date", "bigint", "decimal", "double")
"""The types of columns in which a cursor can be compared; text is never compared as time."""


def refuse_overtaken(resources: Sequence[Resource], others: Set[str]) -> None:
    """Refuse to load what cannot be decided row by row: what was deleted meanwhile, and the children of a row.

    Args:
        resources: what was read.
        others: the ids of the loads of their family that were completed since this one began to read.

    Raises:
        TransientLoadError: names the resource; the next attempt reads it again.
    """
    for resource in resources if others else ():
        if resource.disposition == "append" or (_by_row(resource) and destination_traits().compares_rows):
            continue
        raise TransientLoadError(
            f"{resource}: another run has loaded it since this one began to read, and its rows may be newer. Nothing "
            "was loaded; the next attempt reads again. If runs are on several machines, set CONNECTORS__LOCKS"
        )


def _by_row(resource: Resource) -> bool:
    return resource.merges_only_by_key and resource.missing_rows == "keep"


def keep_newer_rows(pipeline: dlt.Pipeline, package: Package, outcome: Outcome, others: Set[str]) -> None:
    """Change a package so that it replaces no newer row that another load has brought since this one began to read.

    The row with the newer cursor stays. If cursors are equal, missing or not comparable, that of the load stays which
    began to read later. Rows from before this load are replaced, whatever their cursor: the API may have gone back.

    Args:
        pipeline: of the family.
        package: of the resource.
        outcome: what the package has been read from.
        others: the ids of the loads of the family that were completed since this one began to read.
    """
    table = outcome.resource.name
    stored: dict[str, Any] = dict(package.schema.tables.get(table, {}))
    overtaken = bool(others) and outcome.resource.disposition == "merge"
    if not stored or not (overtaken or SOURCE_FILTER in stored):
        return  # all rows were set aside, or this load was not overtaken
    stored.pop(SOURCE_FILTER, None)  # of the load before, which has stored it in the destination
    with tables_of(pipeline) as client:
        condition = _condition(client, stored, outcome.cursor_column, package.load_id, others) if overtaken else ""
        if isinstance(client, LakeTables):
            files = [Path(file.file_path) for file in package.files_of(table)]
            _drop_older(client, files, condition) if condition else None
        elif condition:
            stored[SOURCE_FILTER] = condition
    package.schema.tables[table] = stored  # type: ignore[assignment]  # with the hint
    package.save()


def _condition(client: Any, table: Any, cursor: str | None, load_id: str, others: Set[str]) -> str:
    """Return the condition that no newer row with the same key is there, for the rows of a package.

    The columns of the table get other names, so that a column without a table is one of the package.
    """
    name, there = client.escape_column_name, {column: f"there_{n}" for n, column in enumerate(table["columns"])}
    keys = get_columns_names_with_prop(table, "primary_key")
    later = [other for other in others if float(other) > float(load_id)]
    newer = _is_one_of(name(there[LOAD_ID]), later)
    if cursor and table["columns"][cursor].get("data_type") in COMPARABLE:
        ours, theirs = name(cursor), name(there[cursor])
        undecided = f"{theirs} = {ours} OR {theirs} IS NULL OR {ours} IS NULL"
        newer = f"{theirs} > {ours} OR ({newer} AND ({undecided}))"
    used = (column for column in there if column in (*keys, cursor, LOAD_ID))
    renamed = ", ".join(f"{name(column)} AS {name(there[column])}" for column in used)
    rows = f"(SELECT {renamed} FROM {client.make_qualified_table_name(table['name'])}) AS {name('there')}"
    same = " AND ".join(f"{name(there[key])} = {name(key)}" for key in keys)
    newer = f"{_is_one_of(name(there[LOAD_ID]), others)} AND ({newer})"
    condition = f"NOT EXISTS (SELECT 1 FROM {rows} WHERE {same} AND {newer})"
    return condition.replace("{", "{{").replace("}", "}}")  # dlt fills placeholders in


def _is_one_of(column: str, load_ids: Collection[str]) -> str:
    """Return the condition that a row came with one of these loads; their ids are numbers."""
    quoted = ", ".join(f"'{load_id}'" for load_id in sorted(load_ids))
    return f"{column} IN ({quoted})" if quoted else "1 = 0"


def _drop_older(client: LakeTables, files: Iterable[Path], condition: str) -> None:
    """Remove the rows that do not meet a condition from the files of a package."""
    for file in files:
        query = f"SELECT file_row_number FROM read_parquet(%s, file_row_number = true) WHERE NOT ({condition})"
        older = [number for (number,) in client.execute_sql(query, str(file))]
        drop(pa.array(older, pa.int64()), [file])
