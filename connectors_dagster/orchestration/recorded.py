"""What Dagster has recorded: the metadata of the last materialization of an asset, or of each of its windows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from connectors_dagster.compat.dagster_internals import (
    fetch_materializations,
    instance_folder,
    latest_materialization_ids,
)
from connectors_dagster.orchestration.metadata import OF_READS

QUERY_LIMIT = 500
"""Maximum records per query; databases limit the length of a list."""
Recorded = Mapping[str, dg.MetadataValue[Any]]
"""The metadata of a materialization; empty if there is none."""


Read = tuple[float, str, Recorded]
"""When something was recorded about a window, which window that is, and what says how far it was read."""
MOST_KNOWN = 200_000
"""Maximum records that are remembered, of about 1 KB each."""
_known: dict[tuple[Path, dg.AssetKey], dict[int, Read]] = {}
"""What was recorded about reads, by instance and asset, and by storage id: a record never changes."""


def last_metadata(instance: dg.DagsterInstance, key: dg.AssetKey) -> Recorded:
    """Return the metadata of the last materialization of an asset."""
    newest = next(fetch_materializations(instance, dg.AssetRecordsFilter(asset_key=key), limit=1), None)
    return newest[-1].metadata if newest else {}


def metadata_by_window(
    instance: dg.DagsterInstance, key: dg.AssetKey, windows: Collection[str] | None = None
) -> Mapping[str, Recorded]:
    """Return the metadata of the last materialization of each window, or of some; makes few queries."""
    ids = latest_materialization_ids(instance, key, windows)
    return {window: metadata for _, _, window, metadata in _fetch(instance, key, ids)}


def reads_by_window(instance: dg.DagsterInstance, key: dg.AssetKey) -> Mapping[str, Recorded]:
    """Return how far each window was read, as `OF_READS`; only what is new since the last call is fetched."""
    ids, place = latest_materialization_ids(instance, key), (instance_folder(instance), key)
    known = _known.get(place, {})
    proof = sorted({max(known), max(known.keys() & set(ids), default=max(known))}) if known else []
    if _reads(instance, key, proof) != {one: known[one] for one in proof}:
        known = {}  # it was deleted, or this is another instance at the same place
    if new := [one for one in ids if one not in known]:
        known = known | _reads(instance, key, new)
        if sum(map(len, list(_known.values()))) > MOST_KNOWN:
            _known.clear()
    _known[place] = {one: known[one] for one in ids if one in known}
    return {window: found for _, window, found in _known[place].values()}


def _reads(instance: dg.DagsterInstance, key: dg.AssetKey, ids: Sequence[int]) -> dict[int, Read]:
    return {
        storage_id: (at, window, {name: metadata[name] for name in OF_READS if name in metadata})
        for storage_id, at, window, metadata in _fetch(instance, key, ids)
    }


def _fetch(
    instance: dg.DagsterInstance, key: dg.AssetKey, ids: Sequence[int]
) -> Iterator[tuple[int, float, str, Recorded]]:
    for first in range(0, len(ids), QUERY_LIMIT):
        wanted = dg.AssetRecordsFilter(asset_key=key, storage_ids=ids[first : first + QUERY_LIMIT])
        for storage_id, at, found in fetch_materializations(instance, wanted, limit=QUERY_LIMIT):
            if found.partition:
                yield storage_id, at, found.partition, found.metadata
