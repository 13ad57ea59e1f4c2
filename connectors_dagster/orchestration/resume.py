"""Find out from recorded materializations which windows were read, and until when."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import dagster as dg

from connectors_dagster.compat.dagster_internals import recorded_by_earlier_attempts
from connectors_dagster.config import settings
from connectors_dagster.load.inventory import take_inventory
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.metadata import fetched_until, last_load_id
from connectors_dagster.orchestration.recorded import metadata_by_window
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.timestamps import EPOCH
from connectors_dagster.spec.windows import Slice


def landed_before(context: dg.AssetExecutionContext) -> Mapping[tuple[dg.AssetKey, str], dg.AssetMaterialization]:
    """Return what earlier attempts of this step have recorded, by asset and window."""
    recorded = recorded_by_earlier_attempts(context)
    return {(found.asset_key, found.partition): found for found in recorded if found.partition}


def resume(
    instance: dg.DagsterInstance, assets: ConnectorAssets, resources: Sequence[Resource], slices: Sequence[Slice]
) -> list[Slice]:
    """Start slices at the time all resources were read to, minus the lookback, else at the start of their window.

    Rows that are missing from a window are found only if it is read from its start.
    """
    if any(resource.root.labels_windows for resource in resources):
        return list(slices)
    inventory, lookback, resumed = take_inventory(assets.connector.name), settings.lookback(assets.connector), []
    windows = [slice_.window.key for slice_ in slices]
    by_resource = [metadata_by_window(instance, assets.key(one), windows) for one in resources]
    for slice_ in slices:
        recorded = [found.get(slice_.window.key, {}) for found in by_resource]
        reached = [fetched_until(*found, inventory) for found in zip(resources, recorded, strict=True)]
        known, loads = [time for time in reached if time is not None], filter(None, map(last_load_id, recorded))
        whole = len(known) < len(reached)
        resumed.append(slice_ if whole else slice_.resumed(min(known), lookback=lookback, after=loads))
    return resumed


def is_reread_due(
    instance: dg.DagsterInstance,
    assets: ConnectorAssets,
    resources: Sequence[Resource],
    slices: Sequence[Slice],
    now: datetime,
) -> bool:
    """Return whether rows without a cursor are to be found again: a new period has begun since the last refresh.

    Periods are counted from 1970, so that nothing has to be recorded. Windows that are complete do not count, because
    what is recorded for them is not the time of the read.
    """
    cursor = resources[0].root.cursor
    if cursor is None or cursor.reread_every is None:
        return False
    period, lookback = cursor.reread_every, settings.unsettled_time(resources[0])
    ends = {slice_.window.key: slice_.window.end for slice_ in slices}
    found = (
        (fetched_until(resource, metadata), ends[window])
        for resource in resources
        for window, metadata in metadata_by_window(instance, assets.key(resource), ends).items()
    )
    refreshed = [reached + lookback for reached, end in found if reached and reached < end]
    return any((time - EPOCH) // period < (now - EPOCH) // period for time in refreshed)
