"""Deletes old runs of connectors from Dagster's storage, except for those that say until when something was read."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

import dagster as dg

from connectors_dagster.compat.dagster_retention import delete_run, ended_runs, runs_of_last_materializations
from connectors_dagster.orchestration.connector_assets import ConnectorAssets


def old_runs(instance: dg.DagsterInstance, connectors: Collection[ConnectorAssets], before: datetime) -> list[str]:
    """Return the ids of runs that ended before a time and can be deleted, oldest first.

    A run stays that has the last materialization of an asset or of a window: it is what says that they were read.
    Runs that contain anything else than assets of these connectors stay, too.
    """
    keys = {assets.key(resource) for assets in connectors for resource in assets.resources}
    jobs = {assets.job_name for assets in connectors}
    ours = [run.run_id for run in ended_runs(instance, before) if _is_of(run, keys, jobs)]
    needed = set().union(*(runs_of_last_materializations(instance, key) for key in keys)) if ours else set()
    return [run_id for run_id in reversed(ours) if run_id not in needed]


def delete_runs(instance: dg.DagsterInstance, run_ids: Iterable[str]) -> Iterator[str]:
    """Delete runs with their events and files, and yield the id of each that is deleted."""
    for run_id in run_ids:
        delete_run(instance, run_id)
        yield run_id


def _is_of(run: dg.DagsterRun, keys: Collection[dg.AssetKey], jobs: Collection[str]) -> bool:
    """Return whether a run has only assets, or checks of assets, that are among these."""
    assets = {*(run.asset_selection or ()), *(check.asset_key for check in run.asset_check_selection or ())}
    return assets <= set(keys) if assets else run.job_name in jobs
