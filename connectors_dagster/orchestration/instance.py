"""The Dagster instance of the command line and the UI: where it is, and how it is opened."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

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

    Raises:
        StorageError: its storage cannot be read or written, now or in the block.
    """
    home = Path(os.environ.get("DAGSTER_HOME", project / ".dagster"))
    with private_files(), storage_errors(home):
        instance_home(project)
        home.mkdir(parents=True, exist_ok=True)
        with dg.DagsterInstance.get() as instance:
            yield instance
