"""Deletes old runs from Dagster's storage."""

from contextlib import nullcontext
from datetime import timedelta

from connectors_dagster.cli.terminal import say
from connectors_dagster.config.locks import exclusive_lock
from connectors_dagster.config.workdir import project_folder, work_subfolder
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.instance import open_instance
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.prune import delete_runs, old_runs
from connectors_dagster.spec.plural import noun


def prune(days: int, *, dry_run: bool) -> None:
    """Delete the runs of enabled connectors that ended so many days ago, unless they are needed.

    Raises:
        DestinationBusyError: another process deletes them, and does not end.
    """
    connectors = load_location().enabled
    # Two at once would find the same runs, and each count them as deleted by it.
    lock = exclusive_lock(work_subfolder() / "prune.lock", "deleting old runs of Dagster")
    with open_instance(project_folder()) as instance, nullcontext() if dry_run else lock:
        old = old_runs(instance, connectors, clock.now() - timedelta(days=days))
        count = len(old) if dry_run else sum(1 for _ in delete_runs(instance, old))
    done = "would be deleted" if dry_run else "deleted"
    say(f"{count:,} {noun(count, 'run')} that ended more than {days} {noun(days, 'day')} ago {done}")
