"""The Dagster instance of the command line and the UI: where it is, and how it is opened."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg
import yaml

from connectors_dagster.compat.dagster_engines import keep_engines
from connectors_dagster.config.locks import exclusive_lock
from connectors_dagster.config.workdir import work_subfolder
from connectors_dagster.files.private_files import private_files
from connectors_dagster.files.project_files import write_instance
from connectors_dagster.orchestration.paused_collector import paused_collector
from connectors_dagster.orchestration.storage import check_packages, configuration_errors, storage_errors

OWN_STORAGE = frozenset({"storage", "run_storage", "event_log_storage", "schedule_storage"})
"""The keys of a `dagster.yaml` that say where an instance keeps what it knows; without them, in its own folder."""
SQLITE_FOLDERS = ("history", "schedules")
"""The folders with the SQLite files of an instance."""
CONNECT_TIMEOUT = "5"
"""Seconds for each of the six attempts of `dagster-postgres`, which would wait for a silent server without an end."""


def default_home(project: Path) -> Path:
    """Return the folder of the Dagster instance that the UI uses: DAGSTER_HOME, else the project's own."""
    return Path(os.environ.get("DAGSTER_HOME") or project / ".dagster")


def instance_home(project: Path) -> Path:
    """Return the folder of the Dagster instance that the UI uses: DAGSTER_HOME, else the project's own, which is made.

    Sets DAGSTER_HOME.

    Raises:
        OSError: the project's folder cannot be written.
    """
    if not os.environ.get("DAGSTER_HOME"):
        write_instance(project / ".dagster")
        os.environ["DAGSTER_HOME"] = str(project / ".dagster")
    return Path(os.environ["DAGSTER_HOME"])


@contextmanager
def open_instance(project: Path) -> Iterator[dg.DagsterInstance]:
    """Open the Dagster instance that the UI uses: DAGSTER_HOME, else the project's own.

    Processes open it one after another: several that create the tables of a new one at once would ruin it.

    Raises:
        StorageError: it is not configured correctly, or its storage cannot be read or written, now or in the block.
        LoadError, DestinationBusyError: it cannot be locked.
    """
    home = default_home(project)
    with private_files(), storage_errors(home), ExitStack() as stack:
        instance_home(project)
        os.environ.setdefault("PGCONNECT_TIMEOUT", CONNECT_TIMEOUT)
        home.mkdir(parents=True, exist_ok=True)
        lock = exclusive_lock(work_subfolder() / "instance.lock", f"opening the Dagster instance in {home}")
        with lock, configuration_errors(home), paused_collector():
            check_packages(home)
            _make_tables(home)
            instance = stack.enter_context(dg.DagsterInstance.get())
        keep_engines()
        yield instance


def _make_tables(home: Path) -> None:
    """Make the SQLite files of a new instance aside, and move them to their place when they are complete.

    Dagster makes them in their place. It does not complete those of a process that was killed on the way.
    """
    folders = [name for name in SQLITE_FOLDERS if not (home / name).exists()]
    config = home / "dagster.yaml"
    if not folders or (config.exists() and OWN_STORAGE.intersection(yaml.safe_load(config.read_bytes()) or ())):
        return
    aside = home / "unfinished"
    shutil.rmtree(aside, ignore_errors=True)
    write_instance(aside)
    with dg.DagsterInstance.local_temp(str(aside)):
        pass
    for name in folders:
        (aside / name).rename(home / name)
    shutil.rmtree(aside)
