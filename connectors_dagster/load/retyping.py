"""Gives columns that are text, although they are declared with another type, this type without loss."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dlt
from dlt.common.schema import Schema, TColumnSchema
from dlt.destinations.exceptions import DatabaseException

from connectors_dagster.compat.dlt_internals import store_schema
from connectors_dagster.config.dlt_defaults import use_defaults
from connectors_dagster.errors import LoadError
from connectors_dagster.load.destination import build_destination, duckdb_file
from connectors_dagster.load.destination_location import location
from connectors_dagster.load.dlt_errors import root_cause
from connectors_dagster.load.family import open_family
from connectors_dagster.load.inventory import columns_in, refuse_retyped
from connectors_dagster.load.resource_rows import columns_of
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.rows.column_types import TYPE_HINTS
from connectors_dagster.rows.untyped_column import UntypedColumn
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.resource import Resource

TEXTS_PER_STATEMENT = 100_000
DEPENDED_ON = "entries that depend on it"
"""What DuckDB says of a table with an index, which it does not alter."""
EXAMPLES, SHOWN = 3, 40
"""How many values that do not convert an error shows, and how much of each."""


@dataclass(frozen=True, kw_only=True)
class Retyping:
    """A column that gets its declared type.

    Args:
        resource: whose table has it.
        column: the column.
        values: how many rows have a value.
        converted: the values by their text.
        misfits: how many rows have a text that does not convert exactly, by text.
    """

    resource: Resource
    column: UntypedColumn
    values: int
    converted: Mapping[str, str] = field(repr=False)
    misfits: Mapping[str, int] = field(repr=False)

    def __str__(self) -> str:
        """Name the column, and its types before and after."""
        before, after = self.column.stored["data_type"], self.column.kind
        return f"{self.resource}.{self.column.name}: {before} to {after}"


def retype(
    resources: Sequence[Resource],
    *,
    columns: Collection[str] = (),
    keep_misfits: bool = False,
    dry_run: bool = False,
) -> Sequence[Retyping]:
    """Give columns of resources of one family their declared types, all or none of them.

    The values of a column are converted as a load would convert them. The column with the texts stays, as the variant
    column in which loads put values that do not fit.

    Args:
        resources: of one family.
        columns: the names of the columns, as they are declared or as tables have them; empty for all.
        keep_misfits: leave out values that do not convert exactly: they are only in the variant column then.
        dry_run: only find out what would be done.

    Returns:
        The columns; empty if there are none to change.

    Raises:
        LoadError: a value does not convert exactly, or the destination cannot do it; nothing was changed.
        DestinationBusyError: a load of the family, or another program, keeps it busy; nothing was changed.
    """
    _check_destination()
    if destination_traits().in_file and not duckdb_file().exists():
        return []
    use_defaults()
    destination, dataset, family = build_destination(), resources[0].connector.name, resources[0].pipeline_name
    with open_family(destination, dataset, family, "retyping columns of") as opened, opened.at_destination():
        pipeline = opened.pipeline
        pipeline.sync_destination()
        if family not in pipeline.schemas:
            return []
        schema = pipeline.schemas[family]
        found = list(_untyped(pipeline, schema, resources, columns))
        if not found:
            return []
        with pipeline.destination_client(family) as client:
            retypings = _read(client, schema, found)
            _refuse(retypings, keep_misfits)
            if not dry_run:
                _change(client, schema, retypings)
    return retypings


def _check_destination() -> None:
    if not destination_traits().retypes_columns:
        raise LoadError(
            f"{location()}: only columns in DuckDB and Postgres can be retyped: elsewhere, drop the table; the next "
            "load creates it with the declared types, and its windows count as not loaded"
        )


def _untyped(
    pipeline: dlt.Pipeline, schema: Schema, resources: Sequence[Resource], columns: Collection[str]
) -> Iterator[tuple[Resource, UntypedColumn]]:
    named = {schema.naming.normalize_path(name) for name in columns}
    for resource in resources:
        for column in columns_of(pipeline, resource, schema).untyped:
            if not columns or column.name in named:
                yield resource, column


def _read(client: Any, schema: Schema, found: Sequence[tuple[Resource, UntypedColumn]]) -> list[Retyping]:
    """Read the values of columns and convert them.

    Raises:
        LoadError: the tables are not as the last load has left them, or a name is taken.
    """
    refuse_retyped(client, schema)
    there = columns_in(client.sql_client)
    retypings = []
    for resource, column in found:
        named, own = f"{client.sql_client.dataset_name}.{resource.name}", there.get(resource.name.lower(), frozenset())
        if column.name.lower() not in own:
            raise LoadError(f"{named}.{column.name} was dropped by hand: the next load creates it with its type")
        if column.variant.lower() in own:
            raise LoadError(
                f"{named} has a column {column.variant}, in which the texts of {column.name} would be kept: nothing "
                "was changed; rename or drop it"
            )
        retypings.append(_converted(client.sql_client, resource, column))
    return retypings


def _converted(client: Any, resource: Resource, column: UntypedColumn) -> Retyping:
    name, table = client.escape_column_name(column.name), client.make_qualified_table_name(resource.name)
    text = f"CAST({name} AS text)"
    query = f"SELECT {text}, count(*) FROM {table} WHERE {name} IS NOT NULL GROUP BY {text}"
    rows = {str(written): int(count) for written, count in client.execute_sql(query) or ()}
    converted = column.convert(list(rows))
    return Retyping(
        resource=resource,
        column=column,
        values=sum(rows.values()),
        converted=converted,
        misfits={written: count for written, count in rows.items() if written not in converted},
    )


def _refuse(retypings: Sequence[Retyping], keep_misfits: bool) -> None:
    """Refuse what would lose a value.

    Raises:
        LoadError: a value does not convert exactly.
    """
    if not keep_misfits:
        _refuse_misfits(retypings)
    _refuse_missing_values(retypings)


def _refuse_misfits(retypings: Sequence[Retyping]) -> None:
    problems = [
        f"{one}: {sum(one.misfits.values()):,} of {one.values:,} values do not convert exactly, such as {_shown(one)}"
        for one in retypings
        if one.misfits
    ]
    if problems:
        raise LoadError(
            "\n".join(problems) + "\nNothing was changed. --keep-misfits keeps such values as text, in a column of "
            "their own, as loads do; --column chooses other columns"
        )


def _refuse_missing_values(retypings: Sequence[Retyping]) -> None:
    for one in retypings:
        if one.misfits and one.column.needs_values:
            raise LoadError(
                f"{one}: every row must have a value, and {sum(one.misfits.values()):,} do not convert exactly to "
                f"distinct ones, such as {_shown(one)}. Nothing was changed"
            )


def _shown(one: Retyping) -> str:
    return ", ".join(repr(excerpt(written, SHOWN)) for written in sorted(one.misfits)[:EXAMPLES])


def _change(client: Any, schema: Schema, retypings: Sequence[Retyping]) -> None:
    """Change the columns, fill them and store the schema, in one transaction."""
    changed = _with_types(schema, retypings)
    client.schema = changed
    with client.sql_client.begin_transaction():
        for one in retypings:  # DuckDB alters no table with rows that the transaction has updated
            _rename_and_add(client, one)
        for one in retypings:
            _fill(client, one)
        for table in {one.resource.name for one in retypings}:
            # The next merge creates it with the new columns; between loads it has no rows.
            with client.sql_client.with_staging_dataset():
                client.sql_client.execute_sql(
                    f"DROP TABLE IF EXISTS {client.sql_client.make_qualified_table_name(table)}"
                )
        store_schema(client, changed)
    for one in retypings:  # DuckDB adds no constraint in a transaction that has updated rows
        if one.column.needs_values:
            _alter(client, one, f"ALTER COLUMN {client.sql_client.escape_column_name(one.column.name)} SET NOT NULL")


def _rename_and_add(client: Any, one: Retyping) -> None:
    name, variant = map(client.sql_client.escape_column_name, (one.column.name, one.column.variant))
    _alter(client, one, f"RENAME COLUMN {name} TO {variant}")
    if one.column.stored.get("nullable") is False:
        _alter(client, one, f"ALTER COLUMN {variant} DROP NOT NULL")
    _alter(client, one, f"ADD COLUMN {name} {_type(client, one)}")


def _alter(client: Any, one: Retyping, action: str) -> None:
    table = client.sql_client.make_qualified_table_name(one.resource.name)
    try:
        client.sql_client.execute_sql(f"ALTER TABLE {table} {action}")
    except DatabaseException as error:
        if DEPENDED_ON not in str(error):
            raise
        raise LoadError(
            f"{one}: {root_cause(error)} nothing was changed: drop the indexes of the table, run again, and create "
            "them again"
        ) from None


def _type(client: Any, one: Retyping) -> str:
    column = client.schema.get_table_columns(one.resource.name)[one.column.name]
    return str(client.type_mapper.to_destination_type(column, client.prepare_load_table(one.resource.name)))


def _fill(client: Any, one: Retyping) -> None:
    """Fill the new column from the old one.

    Raises:
        LoadError: another number of rows has no value than expected.
    """
    sql = client.sql_client
    name, variant = map(sql.escape_column_name, (one.column.name, one.column.variant))
    table = sql.make_qualified_table_name(one.resource.name)
    texts, values = list(one.converted), list(one.converted.values())
    for at in range(0, len(texts), TEXTS_PER_STATEMENT):
        sql.execute_sql(
            f"UPDATE {table} SET {name} = CAST(found.value AS {_type(client, one)}) FROM "
            "(SELECT unnest(CAST(%s AS text[])) AS written, unnest(CAST(%s AS text[])) AS value) AS found "
            f"WHERE CAST({variant} AS text) = found.written",
            texts[at : at + TEXTS_PER_STATEMENT],
            values[at : at + TEXTS_PER_STATEMENT],
        )
    [(left,)] = sql.execute_sql(f"SELECT count(*) FROM {table} WHERE {variant} IS NOT NULL AND {name} IS NULL")
    if left != sum(one.misfits.values()):
        raise LoadError(f"{one}: {left:,} values were not converted as expected: nothing was changed; run again")


def _with_types(schema: Schema, retypings: Sequence[Retyping]) -> Schema:
    """Return the next version of a schema, in which columns have their declared types and variants have the texts."""
    stored: dict[str, Any] = schema.clone().to_dict()  # type: ignore[assignment]  # a TypedDict
    for one in retypings:
        columns: dict[str, TColumnSchema] = stored["tables"][one.resource.name]["columns"]
        before = columns.pop(one.column.name)
        types = {hint: value for hint, value in before.items() if hint in TYPE_HINTS}
        columns[one.column.variant] = {"name": one.column.variant, "nullable": True, "variant": True, **types}  # type: ignore[typeddict-item]  # type hints
        declared = {hint: value for hint, value in one.column.declared.items() if hint in TYPE_HINTS}
        kept = {hint: value for hint, value in before.items() if hint not in TYPE_HINTS}
        columns[one.column.name] = {**kept, **declared}  # type: ignore[typeddict-item]  # hints of the column
    return Schema.from_dict(stored)
