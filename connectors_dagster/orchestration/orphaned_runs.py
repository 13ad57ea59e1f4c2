"""End the runs of a process that has ended before them. Dagster would wait forever for them and their pool slots."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from connectors_dagster.compat.dagster_internals import free_pool_slots, instance_folder, report_run_failed
from connectors_dagster.compat.dagster_pools import STORAGE_ERRORS, storage_error_text
from connectors_dagster.config.workdir import abandoned, live_folder

PROCESS = "connectors/process"
log = logging.getLogger(__name__)


@contextmanager
def process_tags(instance: dg.DagsterInstance) -> Iterator[dict[str, str]]:
    """Yield the tags for the runs of this process, and end those that are not finished when the block ends.

    If that is not possible because the storage fails, or the process is killed, the next start does it.
    """
    end_orphaned_runs(instance)
    with live_folder(_processes(instance)) as folder:
        try:
            yield {PROCESS: folder.name}
        finally:
            if _could_end(instance, folder.name):
                shutil.rmtree(folder, ignore_errors=True)


def end_orphaned_runs(instance: dg.DagsterInstance) -> None:
    """Report the runs of processes that are gone as failed, and free their slots in Dagster's pools."""
    base = _processes(instance)
    if not base.exists():
        return
    for folder in abandoned(base):
        _end_runs(instance, folder.name, "The process of this run ended before the run did.")


def _could_end(instance: dg.DagsterInstance, process: str) -> bool:
    try:
        _end_runs(instance, process, "The run broke off; the output of its process says why.")
    except STORAGE_ERRORS as error:
        log.error("the next start ends the runs of this process: %s", storage_error_text(error))
        return False
    return True


def _end_runs(instance: dg.DagsterInstance, process: str, reason: str) -> None:
    for record in instance.get_run_records(dg.RunsFilter(tags={PROCESS: process})):
        run = record.dagster_run
        if not run.is_finished:
            report_run_failed(instance, run, reason)
        free_pool_slots(instance, run)


def _processes(instance: dg.DagsterInstance) -> Path:
    return instance_folder(instance) / "processes"
