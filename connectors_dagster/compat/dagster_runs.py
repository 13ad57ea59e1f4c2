"""Runs that a process executes itself, but that Dagster shows like those it launches.

`JobDefinition.execute_in_process` creates runs without an origin and without a selection of assets: the timeline leaves
them out, and the UI cannot execute them again. Dagster's public functions that take a selection start other processes.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.api import create_execution_plan, execute_run_iterator
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.snap import snapshot_from_execution_plan
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

__all__ = ["Location", "RunResult", "execute_run"]


@dataclass(frozen=True, kw_only=True)
class Location:
    """The code location that Dagster shows a run under: its name, and the module that the UI loads it from."""

    name: str
    module: str


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A run that has ended, and its events."""

    run: dg.DagsterRun
    events: Sequence[dg.DagsterEvent]

    @property
    def success(self) -> bool:
        """Whether the run has succeeded."""
        return self.run.is_success


def execute_run(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    *,
    run_id: str,
    location: Location,
    assets: Set[dg.AssetKey] = frozenset(),
    checks: Set[dg.AssetCheckKey] = frozenset(),
    tags: Mapping[str, str],
    run_config: Mapping[str, Any],
) -> RunResult:
    """Execute assets, or checks, of a job in this process; errors of steps are events of the result.

    A signal that interrupts the run cancels it: Dagster shows the partitions of a canceled run as they were before.

    Uses `with_executor_def`, `get_subset`, `get_job_snapshot`, `get_parent_job_snapshot`, `run_tags` and `asset_layer`
    of the job, `create_run` and `get_ref` of the instance, and the imports of this module from `dagster._core`.
    """
    part = job.with_executor_def(_HERE).get_subset(asset_selection=assets, asset_check_selection=checks)
    plan = create_execution_plan(part, run_config=run_config, instance_ref=instance.get_ref(), tags=tags)
    run = instance.create_run(
        job_name=job.name,
        run_id=run_id,
        run_config=run_config,
        status=None,
        tags={**job.run_tags, **tags},
        root_run_id=None,
        parent_run_id=None,
        step_keys_to_execute=plan.step_keys_to_execute,
        execution_plan_snapshot=snapshot_from_execution_plan(plan, part.get_job_snapshot_id()),
        job_snapshot=part.get_job_snapshot(),
        parent_job_snapshot=part.get_parent_job_snapshot(),
        asset_selection=assets,
        asset_check_selection=checks,
        resolved_op_selection=None,
        op_selection=None,
        remote_job_origin=_origin(location).get_job_origin(job.name),
        job_code_origin=None,
        asset_graph=part.asset_layer.asset_graph,
    )
    events = list(execute_run_iterator(InMemoryJob(part), run, instance))
    return RunResult(run=instance.get_run_by_id(run_id) or run, events=events)


def _origin(location: Location) -> RemoteRepositoryOrigin:
    target = LoadableTargetOrigin(module_name=location.module)
    code = ManagedGrpcPythonEnvCodeLocationOrigin(target, location_name=location.name)
    return RemoteRepositoryOrigin(code, SINGLETON_REPOSITORY_NAME)


class _Canceling(InProcessExecutor):
    """Executes steps in this process; an interrupt counts as a request to cancel the run."""

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        try:
            yield from super().execute(plan_context, execution_plan)
        except (KeyboardInterrupt, DagsterExecutionInterruptedError):
            plan_context.instance.report_run_canceling(plan_context.dagster_run)
            raise


_HERE = dg.ExecutorDefinition(
    name="in_this_process", executor_creation_fn=lambda _: _Canceling(retries=RetryMode.ENABLED)
)
