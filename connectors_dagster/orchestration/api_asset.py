"""The API of a connector as an asset of somebody else: where the lineage begins."""

from collections.abc import Sequence

import dagster as dg

from connectors_dagster.config import settings
from connectors_dagster.secrets.redaction import redact
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.windows import Window

API = "api"


def api_key(connector: Connector) -> dg.AssetKey:
    """Return ``<connector>/api``."""
    return dg.AssetKey([connector.name, API])


def build_api(connector: Connector) -> dg.AssetSpec:
    """Describe the API a connector reads, with its address and without what opens it.

    Raises:
        ValueError: a resource has the name the API has in the lineage.
    """
    if API in connector.graph:
        raise ValueError(f"{connector.name}: a resource cannot be named {API!r}, for that is the API itself")
    return dg.AssetSpec(
        key=api_key(connector),
        description=f"{connector.description}: the API itself, which nothing here changes.",
        group_name=connector.name,
        kinds={"http"},
        tags={"connector": connector.name},
        metadata={"base_url": _address(connector)},
    )


def observe_open_window(connector: Connector, windows: Sequence[Window]) -> dg.AssetObservation:
    """Say of an API which of its windows is open, until when, and how many there are."""
    window = windows[-1]
    return dg.AssetObservation(
        asset_key=api_key(connector),
        metadata={
            "open_window": window.key,
            "window_start": dg.MetadataValue.timestamp(window.start),
            "window_end": dg.MetadataValue.timestamp(window.end),
            "windows": len(windows),
        },
    )


def _address(connector: Connector) -> dg.MetadataValue[str]:
    address = settings.base_url(connector)
    if address is None:
        return dg.MetadataValue.text(f"not configured: {settings.environment_name(connector.name, 'base_url')}")
    return dg.MetadataValue.url(redact(address))
