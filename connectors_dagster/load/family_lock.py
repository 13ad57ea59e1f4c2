"""The lock of a family: from before it is read until it is loaded, no other run reads or loads it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dlt

from connectors_dagster.config.locks import exclusive_lock
from connectors_dagster.config.settings import destination_name
from connectors_dagster.config.shared_servers import LOCKS, described, locks_server
from connectors_dagster.config.workdir import work_subfolder
from connectors_dagster.load.ducklake import catalog_server
from connectors_dagster.load.postgres_lock import postgres_lock
from connectors_dagster.load.traits import destination_traits


@contextmanager
def family_lock(pipeline: dlt.Pipeline, purpose: str) -> Iterator[Callable[[], None]]:
    """Hold the lock of a family; yields a function that fails if the lock was lost meanwhile.

    Without it, an older read that loads late would overwrite newer rows. It is held in the database that
    ``connectors.locks`` names, else in a destination that has locks, else on this machine.

    Args:
        pipeline: of the family.
        purpose: what is done meanwhile; shown to those who wait.

    Raises:
        DestinationBusyError: another process still has it; names it.
        TransientLoadError: the database cannot be reached.
        LoadError: the file of the lock cannot be written.
    """
    family = f"{pipeline.dataset_name}.{pipeline.pipeline_name}"
    purpose = f"{purpose} {pipeline.pipeline_name}"
    if url := locks_server():
        with postgres_lock(url, f"family {family}", purpose=purpose, where=described(LOCKS, url)) as lock:
            yield lock.check
    elif url := _server_of_destination(pipeline):
        with postgres_lock(url, f"family {family}", purpose=purpose, where=destination_name()) as lock:
            yield lock.check
    else:
        file = work_subfolder("families") / f"{pipeline.pipeline_name}.lock"
        with exclusive_lock(file, purpose):
            yield _keep


@contextmanager
def only_merger(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Keep other machines from the tables of a family in Postgres: two concurrent merges into a table lose rows.

    The lock of the family would do, but it can be lost while rows are read or loaded.

    Raises:
        DestinationBusyError: another process still holds the lock; names it.
        TransientLoadError: the database cannot be reached.
    """
    family = f"{pipeline.dataset_name}.{pipeline.pipeline_name}"
    with postgres_lock(own_url(pipeline), family, purpose="loading", where="postgres"):
        yield


def own_url(pipeline: dlt.Pipeline) -> str:
    """Return the URL of the Postgres that a pipeline loads into."""
    client: Any = pipeline.sql_client()
    return str(client.credentials.to_native_representation())


def _server_of_destination(pipeline: dlt.Pipeline) -> str | None:
    lock = destination_traits().writer_lock
    return own_url(pipeline) if lock == "advisory" else catalog_server() if lock == "catalog" else None


def _keep() -> None:
    """Do nothing: a lock on a file is not lost."""
