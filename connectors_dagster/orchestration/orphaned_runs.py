"""End runs of the command line whose process was killed. Dagster would wait forever for them and their pool slots."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from connectors_dagster.compat.dagster_internals import free_pool_slots, instance_folder, report_run_failed
from connectors_dagster.config.workdir import abandoned, private_folder

PROCESS = "connectors/process"


@contextmanager
def process_tags(instance: dg.DagsterInstance) -> Iterator[dict[str, str]]:
    """Yield the tags for the runs of this process. They identify its runs if it is killed."""
    end_orphaned_runs(instance)
    with private_folder(_processes(instance)) as folder:
        yield {PROCESS: folder.name}


def end_orphaned_runs(instance: dg.DagsterInstance) -> None:
    """Report the runs of killed processes as failed and free their slots in Dagster's pools."""
    base = _processes(instance)
    if not base.exists():
        return
    for folder in abandoned(base):
        for record in instance.get_run_records(dg.RunsFilter(tags={PROCESS: folder.name})):
            run = record.dagster_run
            if not run.is_finished:
                report_run_failed(instance, run, "The process running this run was killed.")
            free_pool_slots(instance, run)


def _processes(instance: dg.DagsterInstance) -> Path:
    return instance_folder(instance) / "processes"
