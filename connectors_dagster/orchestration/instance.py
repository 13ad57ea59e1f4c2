"""The Dagster instance of the command line and the UI: where it is, and how it is opened."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dagster as dg

from connectors_dagster.config.locks import exclusive_lock
from connectors_dagster.config.workdir import work_subfolder
from connectors_dagster.files.private_files import private_files
from connectors_dagster.files.project_files import write_instance
from connectors_dagster.orchestration.storage import storage_errors


def instance_home(project: Path) -> Path:
    """Return the folder of the Dagster instance that the UI uses: DAGSTER_HOME, else the project's own, which is made.

    Sets DAGSTER_HOME.

    Raises:
        OSError: the project's folder cannot be written.
    """
    if "DAGSTER_HOME" not in os.environ:
        write_instance(project / ".dagster")
        os.environ["DAGSTER_HOME"] = str(project / ".dagster")
    return Path(os.environ["DAGSTER_HOME"])


@contextmanager
def open_instance(project: Path) -> Iterator[dg.DagsterInstance]:
    """Open the Dagster instance that the UI uses: DAGSTER_HOME, else the project's own.

    Processes open it one after another: several that create the tables of a new one at once would ruin it.

    Raises:
        StorageError: its storage cannot be read or written, now or in the block.
        LoadError, DestinationBusyError: it cannot be locked.
    """
    home = Path(os.environ.get("DAGSTER_HOME", project / ".dagster"))
    with private_files(), storage_errors(home), ExitStack() as stack:
        instance_home(project)
        home.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(work_subfolder() / "instance.lock", f"opening the Dagster instance in {home}"):
            instance = stack.enter_context(dg.DagsterInstance.get())
        yield instance
