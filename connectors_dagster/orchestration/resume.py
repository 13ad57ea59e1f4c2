"""How far windows have been read, as recorded by the materializations themselves."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from connectors_dagster.compat.dagster_internals import fetch_materializations
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.metadata import fetched_until
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice


def last_fetched(instance: dg.DagsterInstance, resource: Resource, key: dg.AssetKey, window: str) -> datetime | None:
    """Return up to when a window of a resource was read by its last materialization, if there was one."""
    return fetched_until(resource, last_metadata(instance, key, window))


def last_metadata(
    instance: dg.DagsterInstance, key: dg.AssetKey, window: str | None
) -> Mapping[str, dg.MetadataValue[Any]]:
    """Return what the last materialization of a window, or of what has none, tells; nothing if there was none."""
    wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[window] if window else None)
    newest = next(fetch_materializations(instance, wanted, limit=1), None)
    return newest.metadata if newest else {}


def resume(instance: dg.DagsterInstance, assets: ConnectorAssets, resources: Sequence[Resource], piece: Slice) -> Slice:
    """Start a slice where all resources have been read, less the lookback; else at the start of its window."""
    reached = [last_fetched(instance, resource, assets.key(resource), piece.window.key) for resource in resources]
    known = [instant for instant in reached if instant is not None]
    return piece.resumed(min(known), lag=assets.connector.lookback) if len(known) == len(reached) else piece
