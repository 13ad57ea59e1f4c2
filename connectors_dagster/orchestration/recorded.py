"""What Dagster has recorded: the metadata of the last materialization of an asset, or of each of its windows."""

from collections.abc import Collection, Mapping
from typing import Any

import dagster as dg

from connectors_dagster.compat.dagster_internals import fetch_materializations, latest_materialization_ids

QUERY_LIMIT = 500
"""Maximum records per query; databases limit the length of a list."""
Recorded = Mapping[str, dg.MetadataValue[Any]]
"""The metadata of a materialization; empty if there is none."""


def last_metadata(instance: dg.DagsterInstance, key: dg.AssetKey) -> Recorded:
    """Return the metadata of the last materialization of an asset."""
    newest = next(fetch_materializations(instance, dg.AssetRecordsFilter(asset_key=key), limit=1), None)
    return newest.metadata if newest else {}


def metadata_by_window(
    instance: dg.DagsterInstance, key: dg.AssetKey, windows: Collection[str] | None = None
) -> Mapping[str, Recorded]:
    """Return the metadata of the last materialization of each window, or of some; makes few queries."""
    ids = latest_materialization_ids(instance, key, windows)
    found: dict[str, Recorded] = {}
    for at in range(0, len(ids), QUERY_LIMIT):
        wanted = dg.AssetRecordsFilter(asset_key=key, storage_ids=ids[at : at + QUERY_LIMIT])
        for one in fetch_materializations(instance, wanted, limit=QUERY_LIMIT):
            if one.partition:
                found[one.partition] = one.metadata
    return found
