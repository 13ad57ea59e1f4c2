"""Dagster's pools, and the storage they are in, which Dagster does not declare public.

While a step waits for a pool, Dagster's executors check again without a pause, do not end on a signal, and never give
up (1.13). `pool_waits` is a hook in that loop.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg
import yaml
from dagster._check import CheckError
from dagster._config.errors import PostProcessingError
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.executor.base import Executor
from dagster._core.executor.in_process import InProcessExecutor

__all__ = [
    "BlockedRun",
    "database_errors",
    "instance_errors",
    "is_server_error",
    "patient",
    "pool_holders",
    "pool_waits",
    "storage_error_text",
    "unlimited_pools",
]


def database_errors() -> tuple[type[Exception], ...]:
    """Return what Dagster raises if the database of its storage fails; SQLAlchemy is imported when this is asked.

    Of a Postgres that accepts no connection, `dagster-postgres` raises an error of its own after six attempts.
    """
    from dagster._core.storage.sqlalchemy_compat import db  # type: ignore[attr-defined]  # SQLAlchemy, imported there

    postgres = sys.modules.get("dagster_postgres.utils")
    return (db.exc.SQLAlchemyError, *([postgres.DagsterPostgresException] if postgres else []))


def instance_errors() -> tuple[type[Exception], ...]:
    """Return what Dagster raises if an instance is not configured correctly."""
    return (dg.DagsterError, CheckError, PostProcessingError, yaml.YAMLError)


def storage_error_text(error: Exception) -> str:
    """Return what the database said (`orig`), without the statement, which contains what was to be stored."""
    return str(_of_driver(error) or error).strip()


def is_server_error(error: Exception) -> bool:
    """Return whether the database that failed is a server, not a file."""
    from sqlite3 import Error  # takes time, and is asked only when a database has failed

    said = _of_driver(error)
    return said is not None and not isinstance(said, Error)


def _of_driver(error: Exception) -> Exception | None:
    """Return the error of the database's driver, which SQLAlchemy or `dagster-postgres` has wrapped."""
    found: Exception | None = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None)
    return found


def pool_holders(instance: dg.DagsterInstance, pool: str) -> Sequence[str]:
    """List the ids of the runs that hold a slot of a pool, or that it is reserved for (`get_concurrency_info`)."""
    found = instance.event_log_storage.get_concurrency_info(pool)
    return sorted(found.active_run_ids | found.assigned_run_ids)


def unlimited_pools(instance: dg.DagsterInstance, pools: Sequence[str]) -> Sequence[str]:
    """List the pools of which several steps may run at once (`get_concurrency_config`, `get_pool_limits`)."""
    if instance.get_concurrency_config().pool_config.default_pool_limit == 1:
        return []
    single = {limit.name for limit in instance.event_log_storage.get_pool_limits() if limit.limit == 1}
    return [pool for pool in pools if pool not in single]


@dataclass(frozen=True, kw_only=True)
class BlockedRun:
    """A run of which nothing can go on, because all that is left of it waits for pools.

    Args:
        instance: of the run.
        run_id: of the run.
        pools: by step, sorted.
        log: writes to the run.
        last: whether no step will be tried again later.
    """

    instance: dg.DagsterInstance
    run_id: str
    pools: Mapping[str, str]
    log: Any
    last: bool


Pause = Callable[[BlockedRun], None]


@contextmanager
def pool_waits(pause: Pause) -> Iterator[None]:
    """Call `pause` between the checks of a run in this process that waits for pools; what it raises ends the run.

    A signal ends such a run, too. Wraps `ActiveExecution.concurrency_event_iterator`, which every executor calls after
    it has looked for steps to start.
    """
    original = ActiveExecution.concurrency_event_iterator

    def with_pause(active: ActiveExecution, context: Any) -> Iterator[dg.DagsterEvent]:
        yield from original(active, context)
        claims = active._instance_concurrency_context
        if claims and claims.has_pending_claims() and not active.has_in_flight_steps:
            if active.check_for_interrupts():
                raise DagsterExecutionInterruptedError
            steps = [active.get_step_by_key(key) for key in sorted(claims.pending_claim_steps())]
            pools = {step.key: str(step.pool) for step in steps}
            last = not active._waiting_to_retry
            run_id = context.dagster_run.run_id
            pause(BlockedRun(instance=context.instance, run_id=run_id, pools=pools, log=context.log, last=last))

    ActiveExecution.concurrency_event_iterator = with_pause  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        ActiveExecution.concurrency_event_iterator = original  # type: ignore[method-assign]


def patient(
    definition: dg.ExecutorDefinition, begin: Callable[[dg.DagsterInstance, str], Pause], *, saves_processes: bool
) -> dg.ExecutorDefinition:
    """Return an executor that calls `begin` with the id of a run when it begins, in the process of the run.

    What `begin` returns is called between the checks of the run while it waits for pools (see `pool_waits`). Uses
    `executor_creation_fn` and `get_requirements` of the executor, and `instance` and `run_id` of the plan's context.

    Args:
        definition: the executor.
        begin: is called when a run begins.
        saves_processes: whether a run of which no two steps can overlap is executed in its own process: a process for
            its steps would import everything again.
    """
    return dg.ExecutorDefinition(
        name=definition.name,
        config_schema=definition.config_schema,  # type: ignore[arg-type]  # the stub knows only what people write
        requirements=definition.get_requirements,
        executor_creation_fn=lambda context: _Patient(_created(definition, context), begin, saves_processes),
        description=definition.description,
    )


def _created(definition: dg.ExecutorDefinition, context: dg.InitExecutorContext) -> Executor:
    create = definition.executor_creation_fn
    if create is None:
        raise TypeError(f"the executor {definition.name} cannot be created")
    return create(context)


class _Patient(Executor):
    def __init__(
        self, executor: Executor, begin: Callable[[dg.DagsterInstance, str], Pause], saves_processes: bool
    ) -> None:
        self._executor, self._begin, self._saves_processes = executor, begin, saves_processes

    def __getattr__(self, name: str) -> Any:
        """Return what only the executor itself has: that of Celery is asked for its settings."""
        return getattr(self._executor, name)

    @property
    def retries(self) -> Any:
        return self._executor.retries

    @property
    def step_dependency_config(self) -> Any:
        return self._executor.step_dependency_config

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        executor = self._executor
        if self._saves_processes and all(len(level) == 1 for level in execution_plan.get_steps_to_execute_by_level()):
            executor = InProcessExecutor(self.retries, self.step_dependency_config)
        with pool_waits(self._begin(plan_context.instance, plan_context.run_id)):
            yield from executor.execute(plan_context, execution_plan)
