"""Runs of the command line whose process was killed: Dagster would wait for them, and for what they hold, for ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from connectors_dagster.compat.dagster_internals import free_pool_slots, instance_folder, report_run_failed
from connectors_dagster.config.workdir import abandoned, private_folder

PROCESS = "connectors/process"


@contextmanager
def process_tags(instance: dg.DagsterInstance) -> Iterator[dict[str, str]]:
    """Yield the tags of the runs of this process, by which they are found if it does not come to its end."""
    end_orphaned_runs(instance)
    with private_folder(_processes(instance)) as folder:
        yield {PROCESS: folder.name}


def end_orphaned_runs(instance: dg.DagsterInstance) -> None:
    """Report the runs of killed processes as failed and give back their places in Dagster's pools."""
    base = _processes(instance)
    if not base.exists():
        return
    for folder in abandoned(base):
        for record in instance.get_run_records(dg.RunsFilter(tags={PROCESS: folder.name})):
            run = record.dagster_run
            if not run.is_finished:
                report_run_failed(instance, run, "The process of this run ended without a word: it was killed.")
            free_pool_slots(instance, run)


def _processes(instance: dg.DagsterInstance) -> Path:
    return instance_folder(instance) / "processes"
