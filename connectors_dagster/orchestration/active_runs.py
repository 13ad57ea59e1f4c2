"""Find what is already queued or running, whether a schedule, a backfill or a person requested it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from connectors_dagster.compat.dagster_internals import planned_steps, unfinished_backfills
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.orphaned_runs import end_orphaned_runs
from connectors_dagster.orchestration.runs import RANGE_END, RANGE_START
from connectors_dagster.spec.windows import Window

PARTITION = "dagster/partition"
# Without NOT_STARTED: a run that was created but could not be queued keeps that status forever.
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
BACKFILLS = 100
"""Maximum number of backfills to look at, newest first. Older ones have ended."""


def active_windows(
    instance: dg.DagsterInstance, assets: ConnectorAssets, windows: Sequence[Window]
) -> Mapping[str, set[Window]]:
    """Map each queued or running family, by op, to its windows; the set is empty if the family has no windows.

    Runs whose process is gone are ended first: otherwise what they have not loaded would count as running.
    """
    end_orphaned_runs(instance)
    busy: dict[str, set[Window]] = defaultdict(set)
    for family, keys in _of_runs(instance, assets, windows):
        busy[family] |= keys
    for family, keys in _of_backfills(instance, assets, windows):
        busy[family] |= keys
    return busy


def _of_runs(
    instance: dg.DagsterInstance, assets: ConnectorAssets, windows: Sequence[Window]
) -> Iterator[tuple[str, set[Window]]]:
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED)):
        run = record.dagster_run
        steps = planned_steps(instance, run)
        for op_name in assets.families:
            if op_name in steps:
                yield op_name, _tagged(run.tags, windows)


def _tagged(tags: Mapping[str, str], windows: Sequence[Window]) -> set[Window]:
    """Return the windows that the tags of a run select."""
    keys = [window.key for window in windows]
    first, last = tags.get(RANGE_START, tags.get(PARTITION)), tags.get(RANGE_END, tags.get(PARTITION))
    if first not in keys or last not in keys:
        return set()
    return set(windows[keys.index(first) : keys.index(last) + 1])


def _of_backfills(
    instance: dg.DagsterInstance, assets: ConnectorAssets, windows: Sequence[Window]
) -> Iterator[tuple[str, set[Window]]]:
    """List what running backfills have not reached yet. Most of it is not in a queue."""
    by_key = {window.key: window for window in windows}
    for asset, key in unfinished_backfills(instance, newest=BACKFILLS):
        if asset in assets.by_key:
            yield assets.op_name(assets.by_key[asset]), {by_key[key]} if key in by_key else set()
