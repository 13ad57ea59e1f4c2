"""Find what is already queued or running, whether a schedule, a backfill or a person requested it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """What is queued or running.

    Args:
        runs: the steps and the tags of each run.
        backfills: the assets, with the partition if there is one, that backfills have not reached yet.
    """

    runs: Sequence[tuple[Collection[str], Mapping[str, str]]]
    backfills: Sequence[tuple[dg.AssetKey, str | None]]


def find_unfinished(instance: dg.DagsterInstance) -> Unfinished:
    """Look up what is queued or running.

    Runs whose process is gone are ended first: otherwise what they have not loaded would count as running.
    """
    end_orphaned_runs(instance)
    runs = [record.dagster_run for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED))]
    return Unfinished(
        runs=[(planned_steps(instance, run), run.tags) for run in runs],
        # Most of it is not in a queue.
        backfills=list(unfinished_backfills(instance, newest=BACKFILLS)),
    )


def active_windows(
    unfinished: Unfinished, assets: ConnectorAssets, windows: Sequence[Window]
) -> Mapping[str, set[Window]]:
    """Map each queued or running family, by op, to its windows; the set is empty if the family has no windows."""
    busy: dict[str, set[Window]] = defaultdict(set)
    for steps, tags in unfinished.runs:
        for family in assets.families.keys() & set(steps):
            busy[family] |= _tagged(tags, windows)
    by_key = {window.key: window for window in windows}
    for asset, key in unfinished.backfills:
        if asset in assets.by_key:
            busy[assets.op_name(assets.by_key[asset])] |= {by_key[key]} if key in by_key else set()
    return busy


def _tagged(tags: Mapping[str, str], windows: Sequence[Window]) -> set[Window]:
    """Return the windows that the tags of a run select."""
    keys = [window.key for window in windows]
    first, last = tags.get(RANGE_START, tags.get(PARTITION)), tags.get(RANGE_END, tags.get(PARTITION))
    if first not in keys or last not in keys:
        return set()
    return set(windows[keys.index(first) : keys.index(last) + 1])
