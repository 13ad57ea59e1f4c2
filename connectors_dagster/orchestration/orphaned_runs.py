"""End the runs of a process that has ended before them. Dagster would wait forever for them and their pool slots.

A process keeps a folder that has a file for each of its runs, and a lock that it holds until it ends, however it ends.
The folder lies in the folder of the instance, so that only processes of this machine are taken for ended.
"""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg

from connectors_dagster.compat.dagster_internals import (
    free_pool_slots,
    instance_folder,
    report_run_canceled,
    report_run_failed,
)
from connectors_dagster.compat.dagster_pools import database_errors, storage_error_text
from connectors_dagster.config.workdir import abandoned, live_folder

_End = Callable[[dg.DagsterInstance, dg.DagsterRun, str], None]
SUFFIX = ".run"
log = logging.getLogger(__name__)
_until_the_process_ends = ExitStack()


@contextmanager
def process_of_runs(instance: dg.DagsterInstance) -> Iterator[Callable[[str], None]]:
    """Yield a function that notes the id of a run of this process, and end those runs when the block ends.

    If that is not possible because the storage fails, or the process is killed, the next start does it.
    """
    end_orphaned_runs(instance)
    with live_folder(_processes(instance)) as folder:
        end, reason = report_run_failed, "The run broke off; the output of its process says why."
        try:
            yield lambda run_id: _note(folder, run_id)
        except KeyboardInterrupt:
            # Not as failed, which would mark the windows of the run although nothing is wrong with them.
            end, reason = report_run_canceled, "A signal ended the process of this run."
            raise
        finally:
            if _could_end(instance, folder, end, reason):
                shutil.rmtree(folder, ignore_errors=True)


def note_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Note that a run ends with this process at the latest, if the folder of the instance can be written."""
    try:
        folder = _until_the_process_ends.enter_context(live_folder(_processes(instance)))
        _note(folder, run_id)
    except OSError as error:
        log.warning("if this process is killed, Dagster alone ends run %s: %s", run_id, error)


def end_orphaned_runs(instance: dg.DagsterInstance) -> None:
    """Report the runs of processes that are gone as failed, and free their slots in Dagster's pools."""
    base = _processes(instance)
    if not base.exists():
        return
    for folder in abandoned(base):
        _end_runs(instance, folder, report_run_failed, "The process of this run ended before the run did.")


def build_orphan_sensor() -> dg.SensorDefinition:
    """Build the sensor that ends the runs of processes that are gone. Until then, Dagster may start no other run."""

    @dg.sensor(
        name="end_orphaned_runs",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reports runs as failed whose process was killed or whose machine was switched off.",
    )
    def end_orphaned(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        end_orphaned_runs(context.instance)
        return dg.SkipReason("All runs whose process is gone have ended.")

    return end_orphaned


def _note(folder: Path, run_id: str) -> None:
    (folder / f"{run_id}{SUFFIX}").touch()


def _could_end(instance: dg.DagsterInstance, folder: Path, end: _End, reason: str) -> bool:
    try:
        _end_runs(instance, folder, end, reason)
    except database_errors() as error:
        log.error("the next start ends the runs of this process: %s", storage_error_text(error))
        return False
    return True


def _end_runs(instance: dg.DagsterInstance, folder: Path, end: _End, reason: str) -> None:
    for file in folder.glob(f"*{SUFFIX}"):
        if run := instance.get_run_by_id(file.stem):
            if not run.is_finished:
                end(instance, run, reason)
            free_pool_slots(instance, run)


def _processes(instance: dg.DagsterInstance) -> Path:
    return instance_folder(instance) / "processes"
