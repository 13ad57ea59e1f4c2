"""Which checks are left to other runs, so that a backfill or a schedule that catches up checks a table only once."""

from collections.abc import Collection, Iterator

import dagster as dg

from connectors_dagster.compat.dagster_internals import ended_steps, planned_steps, unrequested_assets
from connectors_dagster.orchestration.active_runs import UNFINISHED
from connectors_dagster.orchestration.connector_assets import ConnectorAssets

BACKFILL = "dagster/backfill"


def left_to_later_runs(instance: dg.DagsterInstance, run: dg.DagsterRun, assets: ConnectorAssets) -> Collection[str]:
    """List the families, by op, that another run still has to load, and will check afterwards.

    A run that only checks leaves nothing to others.
    """
    own = set(planned_steps(instance, run)) & set(assets.families)
    return own & {*_of_runs(instance, run, assets), *_of_backfill(instance, run, assets)}


def _of_runs(instance: dg.DagsterInstance, run: dg.DagsterRun, assets: ConnectorAssets) -> Iterator[str]:
    coming = [status for status in UNFINISHED if status is not dg.DagsterRunStatus.CANCELING]
    for record in instance.get_run_records(dg.RunsFilter(statuses=coming)):
        other = record.dagster_run
        steps = set(planned_steps(instance, other))
        if other.run_id != run.run_id and assets.checks_name in steps:
            # Not the status of the run: two that check at the same time would leave the checks to each other.
            yield from steps - set(ended_steps(instance, other.run_id))


def _of_backfill(instance: dg.DagsterInstance, run: dg.DagsterRun, assets: ConnectorAssets) -> Iterator[str]:
    """List the families for which the backfill of a run has not requested all runs yet."""
    if backfill := run.tags.get(BACKFILL):
        for asset in unrequested_assets(instance, backfill):
            if asset in assets.by_key:
                yield assets.op_name(assets.by_key[asset])
