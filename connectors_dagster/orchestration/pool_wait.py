"""Waiting for Dagster's pools: says for what, since when and who holds it, and gives up after a while."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from connectors_dagster.compat.dagster_internals import free_pool_slots
from connectors_dagster.compat.dagster_pools import BlockedRun, patient, pool_holders
from connectors_dagster.config.locks import Waiting
from connectors_dagster.config.timeouts import siblings_timeout
from connectors_dagster.config.values import environment
from connectors_dagster.errors import DestinationBusyError
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.orphaned_runs import end_orphaned_runs, note_run

PAUSE = 0.5
GRACE = timedelta(seconds=30)
"""How long a run that has ended may take to free its slots itself."""


class PoolWait:
    """The waits of one process, whose runs pause by calling this again and again."""

    def __init__(self) -> None:
        """Begin to wait with the first call."""
        self._waiting: Waiting | None = None
        self._run_id = ""
        self._waited = 0.0

    def __call__(self, run: BlockedRun) -> None:
        """Pause; from time to time, say who holds the pools, and free those whose holder has ended.

        Raises:
            DestinationBusyError: the pools are still held, and all runs together have waited
                ``connectors.siblings_timeout``.
        """
        began = time.monotonic()
        waiting = self._waiting = self._waiting if run.run_id == self._run_id and self._waiting else Waiting()
        self._run_id = run.run_id
        timeout = siblings_timeout()
        over = run.last and self._waited >= timeout
        if waiting.is_due() or over:
            end_orphaned_runs(run.instance)
            text = "; ".join(_holders(run))
            if text and over:
                raise DestinationBusyError(
                    f"{text}. Gave up after {timeout:.0f} s ({environment('connectors.siblings_timeout')}): wait for "
                    "that run, or terminate it in Dagster, then run again"
                )
            if text:
                run.log.warning(waiting.say(text))
        time.sleep(PAUSE)
        self._waited += time.monotonic() - began


def patient_executor(definition: dg.ExecutorDefinition, *, saves_processes: bool) -> dg.ExecutorDefinition:
    """Return an executor whose runs wait for pools like this, and end with their process at the latest."""
    return patient(definition, _begin, saves_processes=saves_processes)


def _begin(instance: dg.DagsterInstance, run_id: str) -> PoolWait:
    note_run(instance, run_id)
    return PoolWait()


def _holders(run: BlockedRun) -> Iterator[str]:
    """Describe who holds each pool that a run waits for."""
    for pool in dict.fromkeys(run.pools.values()):
        others = [found for id in pool_holders(run.instance, pool) if (found := _describe(run, id))]
        if others:
            yield f"the pool {pool}, held by {', '.join(others)}"


def _describe(waiting: BlockedRun, run_id: str) -> str | None:
    """Describe a run that holds a pool; None if it is the waiting run itself, or has ended and no longer holds it."""
    if run_id == waiting.run_id:
        return None
    record = waiting.instance.get_run_record_by_id(run_id)
    if record is None:
        return f"run {run_id}, which Dagster no longer knows: free its slots in Deployment > Concurrency"
    run = record.dagster_run
    if run.is_finished:
        ended = datetime.fromtimestamp(record.end_time or 0, UTC)
        if clock.now() - ended >= GRACE:
            free_pool_slots(waiting.instance, run)
            return None
    return f"run {run_id} of {run.job_name} ({run.status.value}{_started(record)})"


def _started(record: dg.RunRecord) -> str:
    return f" since {datetime.fromtimestamp(record.start_time, UTC):%Y-%m-%d %H:%M:%S} UTC" if record.start_time else ""
