"""Describe the table of an asset: name, columns with types and keys, and which columns come from the parent."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import dagster as dg
from dlt.common.schema import Schema

from connectors_dagster.config.settings import destination_name
from connectors_dagster.orchestration.asset_keys import COLUMN_LINEAGE, default_key
from connectors_dagster.spec.resource import Resource

TABLE = "dagster/table_name"
COLUMNS = "dagster/column_schema"
STORAGE = "dagster/storage_kind"
DECLARED = (TABLE, COLUMNS, STORAGE, COLUMN_LINEAGE)


def declared_metadata(resource: Resource) -> dict[str, Any]:
    """Return table name, declared columns, and which of them are copied from the parent."""
    return {
        TABLE: f"{resource.connector.name}.{resource.name}",
        COLUMNS: column_schema(resource),
        STORAGE: destination_name(),
        **column_lineage(resource),
    }


def loaded_metadata(spec: dg.AssetSpec, resource: Resource, schema: Schema) -> dict[str, Any]:
    """Return the declared table metadata, and the columns if a load found others than are declared.

    Columns take half of the space of a record, and the UI shows those of the asset where a record has none.
    """
    declared = {name: spec.metadata[name] for name in DECLARED if name in spec.metadata}
    columns = declared.pop(COLUMNS, None)
    if not isinstance(columns, dg.TableSchema):
        return declared
    stored = {schema.naming.normalize_path(name) for name in resource.columns}
    others = [
        dg.TableColumn(name, str(column.get("data_type")), "not declared, found by the load")
        for name, column in schema.tables.get(resource.name, {}).get("columns", {}).items()
        if name not in stored and not name.startswith("_dlt")
    ]
    return {**declared, COLUMNS: dg.TableSchema(columns=[*columns.columns, *others])} if others else declared


def column_schema(resource: Resource) -> dg.TableSchema:
    """Return the declared columns with types, nullability and keys."""
    keys, roles = resource.primary_key, _roles(resource)
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=str(column.get("data_type", "from data")),
                description=column.get("description"),
                constraints=_constraints(
                    nullable=name not in keys and column.get("nullable") is not False, unique=keys == (name,)
                ),
                tags=dict.fromkeys(roles.get(name, ()), ""),
            )
            for name, column in resource.columns.items()
        ]
    )


@cache
def _constraints(*, nullable: bool, unique: bool) -> dg.TableColumnConstraints:
    return dg.TableColumnConstraints(nullable=nullable, unique=unique)


def column_lineage(resource: Resource) -> Mapping[str, dg.TableColumnLineage]:
    """Return the origin of the columns that are copied from the parent, or come from a list in its rows.

    Only the UI of Dagster+ draws it. In the open-source UI, the description of such a column names its origin.
    """
    if resource.parent is None:
        return {}
    parent = default_key(resource.parent)
    copied = {column: [dg.TableColumnDep(parent, name)] for name, column in resource.included.items()}
    if resource.list_of:
        items = [dg.TableColumnDep(parent, resource.list_of.column)]
        copied = {**dict.fromkeys(resource.columns, items), **copied}
    return {COLUMN_LINEAGE: dg.TableColumnLineage(deps_by_column=copied)}


def _roles(resource: Resource) -> Mapping[str, Sequence[str]]:
    """Return what columns are for, by name; the others are not in it."""
    roles: dict[str, list[str]] = {}
    cursor = [resource.cursor_path] if resource.cursor_path else []
    columns: dict[str, Iterable[str]] = {
        "primary_key": resource.primary_key,
        "cursor": cursor,
        "parent_key": resource.included.values(),
    }
    for role, names in columns.items():
        for name in names:
            roles.setdefault(name, []).append(role)
    return roles
