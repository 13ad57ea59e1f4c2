"""Plan and execute runs on a Dagster instance, and summarize their results."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import dagster as dg

from connectors_dagster.compat.dagster_internals import (
    find_job,
    instance_folder,
    materializations_of_run,
    run_failure,
    step_failure,
    step_seconds,
)
from connectors_dagster.compat.dagster_pools import database_errors, pool_waits
from connectors_dagster.compat.dagster_runs import Location, RunResult, execute_run
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.orphaned_runs import process_of_runs
from connectors_dagster.orchestration.partitions import open_windows
from connectors_dagster.orchestration.pool_wait import PoolWait
from connectors_dagster.orchestration.storage import unusable
from connectors_dagster.orchestration.window_runs import divide
from connectors_dagster.secrets.redaction import redact
from connectors_dagster.spec.resource import Resource

HERE = Location(name="connectors_dagster", module="connectors_dagster.definitions")
"""The code location of workspace.yaml, under which the UI shows the runs of the command line."""
LOADED_BY = {"loaded by": "command line"}
ENDED = {dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED}
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class Plan:
    """One run: assets of a connector over consecutive windows, or assets without windows."""

    assets: ConnectorAssets
    resources: Sequence[Resource]
    windows: Sequence[str] = ()

    @property
    def keys(self) -> list[dg.AssetKey]:
        """The assets to materialize."""
        return [self.assets.key(resource) for resource in self.resources]

    @property
    def steps(self) -> int:
        """The number of reads the run reports."""
        return len(self.resources) * max(1, len(self.windows))

    @property
    def tags(self) -> dict[str, str]:
        """The tags that select the partitions of the run."""
        return {RANGE_START: self.windows[0], RANGE_END: self.windows[-1]} if self.windows else {}


@dataclass
class Line:
    """The result of one asset."""

    windows: int = 0
    rows: int = 0
    seconds: float = 0.0
    rejected: int = 0
    rejected_table: str = ""


@dataclass
class Summary:
    """The results of all runs."""

    lines: dict[str, Line] = field(default_factory=lambda: defaultdict(Line))
    errors: list[str] = field(default_factory=list)
    remarks: dict[str, None] = field(default_factory=dict)

    @property
    def set_aside(self) -> list[str]:
        """Which rows cannot be placed, and where they are."""
        return [
            f"{name}: {line.rejected} rows cannot be placed and were set aside in {line.rejected_table}"
            for name, line in self.lines.items()
            if line.rejected
        ]


def plan(
    instance: dg.DagsterInstance,
    selected: Mapping[ConnectorAssets, Sequence[Resource]],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Plan]:
    """Add the partitions and split the work into runs, as a backfill would."""
    now = clock.now()
    for assets, members in selected.items():
        if whole := [r for r in members if not r.windowed]:
            yield Plan(assets, whole)
        if windowed := [r for r in members if r.windowed]:
            open_windows(instance, assets.grid, now)
            windows = assets.grid.opened(now)
            wanted = {
                window
                for window in windows
                if (since is None or window.end > since) and (until is None or window.start < until)
            }
            for filtered in (False, True):
                if alike := [r for r in windowed if r.root.filtered == filtered]:
                    for chunk in divide(alike[0].root, windows, wanted):
                        yield Plan(assets, alike, [window.key for window in chunk])


def execute(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    plans: Sequence[Plan],
    *,
    reading: Mapping[str, Any] = MappingProxyType({}),
) -> Summary:
    """Execute plans one after another in this process. The summary has an error for each run that did not succeed.

    `reading` has fields of `ReadConfig` for all of them.

    Raises:
        KeyboardInterrupt: a signal ended the process. The current run has ended, later ones were not started.
    """
    summary = Summary()
    with process_of_runs(instance) as note, pool_waits(PoolWait()):
        for item in plans:
            try:
                result = _execute(definitions, instance, item, note, reading)
                _collect(summary, item, result, instance)
            except database_errors() as error:
                summary.errors.append(redact(unusable(instance_folder(instance), error)))
                break
            stop_if_interrupted(result)
    return summary


def _execute(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    item: Plan,
    note: Callable[[str], None],
    reading: Mapping[str, Any],
) -> RunResult:
    steps = {item.assets.op_name(resource) for resource in item.resources}
    config = {**QUIET, "ops": {step: {"config": dict(reading)} for step in steps}} if reading else QUIET
    run_id = str(uuid4())
    note(run_id)
    # Checks scan whole tables, so they run on request only, not with every load.
    return execute_run(
        find_job(definitions, item.assets.job_in(definitions)),
        instance,
        run_id=run_id,
        location=HERE,
        assets=set(item.keys),
        tags={**item.tags, **LOADED_BY},
        run_config=config,
    )


def _collect(summary: Summary, item: Plan, result: RunResult, instance: dg.DagsterInstance) -> None:
    # Not from the events of the result, which lack what a step that failed has loaded. A retry of a step records the
    # windows of earlier attempts again.
    recorded = materializations_of_run(instance, result.run.run_id)
    for found in {(found.asset_key, found.partition): found for found in recorded}.values():
        line = summary.lines[found.asset_key.to_user_string()]
        line.windows += found.partition is not None
        line.rows += int(str(found.metadata["rows"].value))
        resource = item.assets.by_key[found.asset_key]
        if "rejected" in found.metadata:
            line.rejected += int(str(found.metadata["rejected"].value))
            line.rejected_table = f"{resource.connector.name}.{resource.rejected_table}"
        if "remarks" in found.metadata:
            lines = str(found.metadata["remarks"].value).splitlines()
            summary.remarks |= dict.fromkeys(f"{found.asset_key.to_user_string()}: {text}" for text in lines)
    errors = len(summary.errors)
    for event in result.events:
        if event.is_step_success:
            for resource in item.assets.families.get(str(event.step_key), ()):
                if resource in item.resources:
                    summary.lines[item.assets.key(resource).to_user_string()].seconds += step_seconds(event)
        elif event.is_step_failure:
            summary.errors.append(_named(item, str(event.step_key), step_failure(event)))
    if not result.success and len(summary.errors) == errors:
        reasons = filter(None, map(run_failure, result.events))
        status = result.run.status.value
        summary.errors.append(f"run {result.run.run_id} ended with status {status} in Dagster: {'; '.join(reasons)}")


def _named(item: Plan, step: str, failure: str) -> str:
    """Begin a failure with the resource it belongs to, unless it names one itself: people do not know steps."""
    connector, family = item.assets.connector.name, item.assets.families.get(step)
    if family is None or failure.startswith((f"{connector}/", f"{connector}:")):
        return failure
    return f"{family[0].root}: {failure}"


def stop_if_interrupted(result: RunResult) -> None:
    """Do nothing, unless a signal, or somebody in the UI, has ended the run. Dagster ends only that run.

    Raises:
        KeyboardInterrupt: the run was canceled.
    """
    if result.run.status in ENDED:
        raise KeyboardInterrupt
