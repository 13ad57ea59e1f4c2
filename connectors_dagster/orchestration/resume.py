"""Find out from recorded materializations until when windows were read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from connectors_dagster.compat.dagster_internals import fetch_materializations
from connectors_dagster.config import settings
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.metadata import fetched_until
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def last_fetched(instance: dg.DagsterInstance, resource: Resource, key: dg.AssetKey, window: str) -> datetime | None:
    """Return until when the last materialization of a window read it, or None if there is none."""
    return fetched_until(resource, last_metadata(instance, key, window))


def last_metadata(
    instance: dg.DagsterInstance, key: dg.AssetKey, window: str | None
) -> Mapping[str, dg.MetadataValue[Any]]:
    """Return the metadata of the last materialization, of one window if given; empty if there is none."""
    wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[window] if window else None)
    newest = next(fetch_materializations(instance, wanted, limit=1), None)
    return newest.metadata if newest else {}


def resume(instance: dg.DagsterInstance, assets: ConnectorAssets, resources: Sequence[Resource], piece: Slice) -> Slice:
    """Start a slice at the time all resources were read to, minus the lookback, else at the start of its window."""
    reached = [last_fetched(instance, resource, assets.key(resource), piece.window.key) for resource in resources]
    known = [time for time in reached if time is not None]
    return piece.resumed(min(known), lag=settings.lookback(assets.connector)) if len(known) == len(reached) else piece


def is_reread_due(
    instance: dg.DagsterInstance,
    assets: ConnectorAssets,
    resources: Sequence[Resource],
    pieces: Sequence[Slice],
    now: datetime,
) -> bool:
    """Return whether rows without a cursor are to be found again: a new period has begun since the last refresh.

    Periods are counted from 1970, so that nothing has to be recorded. Windows that are complete do not count, because
    what is recorded for them is not the time of the read.
    """
    cursor = resources[0].root.cursor
    if cursor is None or cursor.reread_every is None:
        return False
    period, lag = cursor.reread_every, settings.lookback(assets.connector)
    found = (
        (last_fetched(instance, resource, assets.key(resource), piece.window.key), piece.window.end)
        for piece in pieces
        for resource in resources
    )
    refreshed = [reached + lag for reached, end in found if reached and reached < end]
    return any((time - EPOCH) // period < (now - EPOCH) // period for time in refreshed)
