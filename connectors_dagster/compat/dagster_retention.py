"""Which runs hold the last materializations, and how a run is deleted with all that Dagster keeps of it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import dagster as dg
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

from connectors_dagster.compat.dagster_internals import latest_materialization_ids

__all__ = ["delete_run", "ended_runs", "runs_of_last_materializations"]


def runs_of_last_materializations(instance: dg.DagsterInstance, asset: dg.AssetKey) -> set[str]:
    """Return the ids of the runs that hold the last materialization of an asset, and of each of its partitions.

    Uses `get_latest_storage_id_by_partition`, and `run_id` of the event records.
    """
    ids, found = latest_materialization_ids(instance, asset), set()
    for first in range(0, len(ids), 500):  # databases limit the length of a list
        wanted = dg.AssetRecordsFilter(asset_key=asset, storage_ids=ids[first : first + 500])
        found |= {record.run_id for record in instance.fetch_materializations(wanted, limit=500).records}
    return found | {record.run_id for record in instance.fetch_materializations(asset, limit=1).records}


def ended_runs(instance: dg.DagsterInstance, before: datetime) -> Iterator[dg.DagsterRun]:
    """Yield the runs that ended before a time, newest first (`get_runs` with a cursor)."""
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    wanted, cursor = dg.RunsFilter(statuses=ended, updated_before=before), None
    while runs := instance.get_runs(wanted, cursor=cursor, limit=500):
        yield from runs
        cursor = runs[-1].run_id


def delete_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete a run with its events, and its files on this machine, which Dagster keeps (`delete_run` of the instance).

    Uses `path_for_shard` of `SqliteEventLogStorage`, and `delete_logs` of `LocalComputeLogManager`.
    """
    instance.delete_run(run_id)
    if isinstance(instance.compute_log_manager, LocalComputeLogManager):
        instance.compute_log_manager.delete_logs(prefix=[run_id])
    if isinstance(instance.event_log_storage, SqliteEventLogStorage):
        events = instance.event_log_storage.path_for_shard(run_id)
        for end in ("", "-wal", "-shm"):
            Path(events + end).unlink(missing_ok=True)
