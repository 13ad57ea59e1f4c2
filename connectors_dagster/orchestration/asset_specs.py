"""Describe a resource, and the API it comes from, as an asset, before any prefix or translation."""

from collections.abc import Callable
from typing import Protocol

import dagster as dg

from connectors_dagster.config import placeholders, settings
from connectors_dagster.config.settings import destination_name
from connectors_dagster.orchestration.asset_keys import Api, default_key
from connectors_dagster.orchestration.glossary import fields_glossary
from connectors_dagster.orchestration.table_metadata import declared_metadata
from connectors_dagster.secrets.redaction import redact
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.groups import group_of
from connectors_dagster.spec.resource import Resource

Description = Callable[[Resource | Api], dg.AssetSpec]
"""Describes a resource or the API of a connector as an asset."""


class Translation(Protocol):
    """A function that changes the asset of a resource, or of the API of a connector.

    It gets Dagster's `AssetSpec` and the `Resource` or `Api` that this shows, and returns the changed `AssetSpec`.
    """

    def __call__(self, spec: dg.AssetSpec, asset: Resource | Api, /) -> dg.AssetSpec:
        """Return the changed asset."""
        ...


def describe_asset(asset: Resource | Api) -> dg.AssetSpec:
    """Describe a resource of a connector, or its API, as an asset; dependencies are default keys."""
    return _describe_api(asset.connector) if isinstance(asset, Api) else _describe_resource(asset)


def translated(translation: Translation | None) -> Description:
    """Return a function that describes assets and applies a translation."""
    return (lambda asset: translation(describe_asset(asset), asset)) if translation else describe_asset


def freshness(connector: Connector) -> dg.FreshnessPolicy:
    """Return the policy that marks an asset stale after the configured hours without a load; it warns after half."""
    hours = settings.stale_after(connector)
    return dg.FreshnessPolicy.time_window(fail_window=hours, warn_window=hours / 2)


def _describe_resource(resource: Resource) -> dg.AssetSpec:
    connector = resource.connector
    return dg.AssetSpec(
        key=default_key(resource),
        deps=[default_key(resource.parent or Api(connector=connector))],
        description=_summary(resource),
        group_name=group_of(resource),
        kinds={"dlt", destination_name()},
        owners=list(settings.owners(connector)),
        tags={"connector": connector.name, "loading": "windowed" if resource.windowed else "whole"},
        freshness_policy=freshness(connector),
        metadata={**declared_metadata(resource), "glossary": fields_glossary()},
    )


def _describe_api(connector: Connector) -> dg.AssetSpec:
    """Describe the API with its address but without its credentials."""
    return dg.AssetSpec(
        key=default_key(Api(connector=connector)),
        description=f"The API of {connector.name}. Connectors only read from it.",
        group_name=connector.name,
        kinds={"http"},
        tags={"connector": connector.name},
        metadata={"base_url": _address(connector)},
    )


def _summary(resource: Resource) -> str:
    """Say what a row is, if the schema file says so, and then how it is loaded."""
    what = resource.connector.row_descriptions.get(resource.name, "").removesuffix(".")
    path = f"`{resource.endpoint['path']}` of {resource.connector.name}"
    if resource.list_of:
        path = f"`{'.'.join(resource.list_of.path)}` in the rows of {resource.parent}"
    return f"{what}.\n\nFrom {path}, {_how(resource)}." if what else f"{path}, {_how(resource)}."


def _how(resource: Resource) -> str:
    if resource.list_of:
        return "one row per item, without requests of its own"
    if resource.parent:
        return f"requested once per row of {resource.parent}"
    if resource.incremental is None:
        return "loaded as a whole"
    how = "filtered by the API" if resource.filtered else "filtered after reading because the API cannot filter"
    return f"in windows on `{resource.incremental['cursor_path']}`, {how}"


def _address(connector: Connector) -> dg.MetadataValue[str]:
    address = placeholders.base_url(connector)
    if address is None:
        return dg.MetadataValue.text(f"not configured: {', '.join(placeholders.missing_for_base_url(connector))}")
    return dg.MetadataValue.url(redact(address))
