"""Windows that another tool has read, recorded as read here, so that the schedule begins after them."""

from collections.abc import Mapping
from datetime import datetime

import dagster as dg

from connectors_dagster.airbyte.state import StreamState
from connectors_dagster.load.destination_location import location
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.masked import masked
from connectors_dagster.orchestration.metadata import window_metadata
from connectors_dagster.orchestration.partitions import open_windows
from connectors_dagster.orchestration.reset import loaded_with
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice, Window

ELSEWHERE = "Read by Airbyte, as its state says. The rows are not in this destination unless they were copied."


def mark_read(
    instance: dg.DagsterInstance, assets: ConnectorAssets, states: Mapping[str, StreamState], now: datetime
) -> dict[str, list[Window]]:
    """Record the windows that the states of resources cover, with the children that are loaded with them.

    Args:
        instance: where to record.
        assets: the assets of the connector.
        states: by the names of resources.
        now: the current time.

    Returns:
        The windows of each resource with a cursor that has a state, by its name.
    """
    open_windows(instance, assets.grid, now)
    windows, marked = assets.grid.opened(now), dict[str, list[Window]]()
    for resource in assets.resources:
        cursor = resource.cursor
        if not cursor or resource.name not in states:
            continue
        state, path = states[resource.name], str(resource.cursor_path)
        covered = [one for one in windows if state.covers(one, cursor.timestamp_format.decode, path)]
        marked[resource.name] = covered
        for one in loaded_with(assets, resource):
            _record(instance, assets, one, covered)
    return marked


def _record(instance: dg.DagsterInstance, assets: ConnectorAssets, resource: Resource, windows: list[Window]) -> None:
    loaded_into = location()
    for window in windows:
        metadata = window_metadata(resource, Slice(window, window.start, window.end), loaded_into)
        event = dg.AssetMaterialization(
            assets.key(resource), description=ELSEWHERE, partition=window.key, metadata=masked(metadata)
        )
        instance.report_runless_asset_event(event)
