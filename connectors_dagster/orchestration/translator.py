"""How a resource reads as an asset: key, table, columns, lineage."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import dlt
from dagster_dlt import DagsterDltTranslator
from dlt.common.schema import Schema

from connectors_dagster.compat.dagster_internals import DltResourceTranslatorData
from connectors_dagster.config import settings
from connectors_dagster.config.settings import destination_name
from connectors_dagster.orchestration.api_asset import api_key
from connectors_dagster.spec.resource import Resource

COLUMNS = "dagster/column_schema"


def asset_key(resource: Resource) -> dg.AssetKey:
    """Return ``<connector>/<resource>``."""
    return dg.AssetKey([resource.connector.name, resource.name])


class ConnectorTranslator(DagsterDltTranslator):
    """Describes resources of connectors; needs neither a source nor a pipeline."""

    def __init__(self, resources: Mapping[str, Resource]) -> None:
        """Know the resources by name."""
        self.resources = resources

    def get_asset_spec(self, data: DltResourceTranslatorData) -> dg.AssetSpec:
        """Describe one resource of one connector."""
        resource = self.resources[data.resource.name]
        parent = resource.parent
        return (
            super()
            .get_asset_spec(data)
            .replace_attributes(
                key=asset_key(resource),
                deps=[asset_key(parent) if parent else api_key(resource.connector)],
                description=describe(resource),
                group_name=resource.connector.name,
                kinds={"dlt", destination_name()},
                owners=list(settings.owners(resource.connector.name)),
                tags={"connector": resource.connector.name, "loading": "windowed" if resource.windowed else "whole"},
                freshness_policy=freshness(resource.connector.name),
            )
            .merge_attributes(metadata=declared_metadata(resource))
        )


def freshness(connector: str) -> dg.FreshnessPolicy:
    """Say when an asset nobody loads any more is stale: after the configured hours, with a warning at half of them."""
    hours = settings.stale_after(connector)
    return dg.FreshnessPolicy.time_window(fail_window=hours, warn_window=hours / 2)


def build_specs(resources: Mapping[str, Resource]) -> dict[str, dg.AssetSpec]:
    """Describe resources as assets, by name."""
    translator = ConnectorTranslator(resources)
    return {
        name: translator.get_asset_spec(DltResourceTranslatorData(resource=dlt.resource([], name=name), pipeline=None))
        for name in resources
    }


def declared_metadata(resource: Resource) -> dict[str, Any]:
    """Return table name, declared columns, and which of them are copied from the parent."""
    return {
        "dagster/table_name": f"{resource.connector.name}.{resource.name}",
        COLUMNS: column_schema(resource),
        "dagster/storage_kind": destination_name(),
        **column_lineage(resource),
    }


def loaded_metadata(resource: Resource, schema: Schema) -> dict[str, Any]:
    """Return what was declared, with the columns a load found beside the declared ones."""
    declared = declared_metadata(resource)
    stored = {schema.naming.normalize_path(name) for name in resource.columns}
    others = [
        dg.TableColumn(name, str(column.get("data_type")), "not declared, found by the load")
        for name, column in schema.tables.get(resource.name, {}).get("columns", {}).items()
        if name not in stored and not name.startswith("_dlt")
    ]
    return {**declared, COLUMNS: dg.TableSchema(columns=[*declared[COLUMNS].columns, *others])}


def column_schema(resource: Resource) -> dg.TableSchema:
    """Return the declared columns with types, nullability and keys."""
    keys = resource.primary_key
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=str(column.get("data_type", "from data")),
                description=column.get("description"),
                constraints=dg.TableColumnConstraints(
                    nullable=name not in keys and column.get("nullable") is not False,
                    unique=keys == (name,),
                ),
                tags=dict.fromkeys(_roles(resource, name), ""),
            )
            for name, column in resource.columns.items()
        ]
    )


def column_lineage(resource: Resource) -> dict[str, dg.TableColumnLineage]:
    """Return where the columns come from that rows take over from their parent's."""
    if resource.parent is None:
        return {}
    parent = asset_key(resource.parent)
    copied = {column: [dg.TableColumnDep(parent, name)] for name, column in resource.included.items()}
    return {"dagster/column_lineage": dg.TableColumnLineage(deps_by_column=copied)}


def _roles(resource: Resource, column: str) -> Iterator[str]:
    if column in resource.primary_key:
        yield "primary_key"
    if resource.incremental and column == resource.incremental["cursor_path"]:
        yield "cursor"
    if column in resource.included.values():
        yield "parent_key"


def describe(resource: Resource) -> str:
    """Say in a line what is loaded and how."""
    what = f"`{resource.endpoint['path']}` of {resource.connector.name}"
    if resource.parent:
        return f"{what}, asked for once per row of {resource.parent}."
    if resource.incremental is None:
        return f"{what}, loaded whole."
    how = "filtered by the API" if resource.filtered else "cut here, since the API cannot filter"
    return f"{what}, in windows on `{resource.incremental['cursor_path']}`, {how}."
