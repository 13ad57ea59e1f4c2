"""The metadata that runs recorded in Dagster."""

from typing import Any

import dagster as dg


def told(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """Return the metadata of the materialization of an asset."""
    key = dg.AssetKey(asset.split("/"))
    (event,) = [event for event in result.get_asset_materialization_events() if event.asset_key == key]
    return {name: value.value for name, value in event.materialization.metadata.items()}
