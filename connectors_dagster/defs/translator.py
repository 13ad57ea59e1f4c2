"""How a resource reads as an asset: key, table, columns, lineage."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import dlt
from dagster_dlt import DagsterDltTranslator
from dagster_dlt.translator import DltResourceTranslatorData

from connectors_dagster import settings
from connectors_dagster.connector import Resource
from connectors_dagster.defs.upstream import api_key
from connectors_dagster.destination import destination_name


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
            )
            .merge_attributes(metadata=declared_metadata(resource))
        )


def build_specs(resources: Mapping[str, Resource]) -> dict[str, dg.AssetSpec]:
    """Describe resources as assets, by name."""
    translator = ConnectorTranslator(resources)
    return {
        name: translator.get_asset_spec(DltResourceTranslatorData(resource=dlt.resource([], name=name), pipeline=None))
        for name in resources
    }


def declared_metadata(resource: Resource) -> dict[str, Any]:
    """Return table name and declared columns."""
    return {
        "dagster/table_name": f"{resource.connector.name}.{resource.name}",
        "dagster/column_schema": column_schema(resource),
        "dagster/storage_kind": destination_name(),
    }


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
                    other=["primary key"] if name in keys else [],
                ),
            )
            for name, column in resource.columns.items()
        ]
    )


def describe(resource: Resource) -> str:
    """Say in a line what is loaded and how."""
    what = f"`{resource.endpoint['path']}` of {resource.connector.name}"
    if resource.parent:
        return f"{what}, asked for once per row of {resource.parent}."
    if resource.incremental is None:
        return f"{what}, loaded whole."
    how = "filtered by the API" if resource.filtered else "cut here, since the API cannot filter"
    return f"{what}, in windows on `{resource.incremental['cursor_path']}`, {how}."
