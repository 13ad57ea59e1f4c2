"""How far windows have been read, as recorded by the materializations themselves."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from connectors_dagster.compat.dagster_internals import fetch_materializations
from connectors_dagster.orchestration.metadata import fetched_until
from connectors_dagster.orchestration.translator import asset_key
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice


def last_fetched(instance: dg.DagsterInstance, resource: Resource, window: str) -> datetime | None:
    """Return up to when a window of a resource was read by its last materialization, if there was one."""
    return fetched_until(resource, last_metadata(instance, resource, window))


def last_metadata(
    instance: dg.DagsterInstance, resource: Resource, window: str | None
) -> Mapping[str, dg.MetadataValue[Any]]:
    """Return what the last materialization of a window, or of what has none, tells; nothing if there was none."""
    wanted = dg.AssetRecordsFilter(asset_key=asset_key(resource), asset_partitions=[window] if window else None)
    newest = next(fetch_materializations(instance, wanted, limit=1), None)
    return newest.metadata if newest else {}


def resume(instance: dg.DagsterInstance, resources: Sequence[Resource], piece: Slice, lag: timedelta) -> Slice:
    """Start a slice where all resources have been read, less the lag; from the window's start if one has not."""
    reached = [last_fetched(instance, resource, piece.window.key) for resource in resources]
    known = [instant for instant in reached if instant is not None]
    return piece.resumed(min(known), lag=lag) if len(known) == len(reached) else piece
