"""A trial of the destination: it is opened, and something is created and dropped again."""

from collections.abc import Iterable
from contextlib import suppress
from uuid import uuid4

import dlt

from connectors_dagster.config.dlt_defaults import use_defaults
from connectors_dagster.config.settings import destination_name
from connectors_dagster.config.shared_servers import LOCKS, described, locks_server
from connectors_dagster.errors import LoadError, MaskedError
from connectors_dagster.load.destination import (
    build_destination,
    check_destination,
    damage,
    database_file,
    nobody_writing,
)
from connectors_dagster.load.dlt_errors import root_cause
from connectors_dagster.load.lake import try_folder
from connectors_dagster.load.reachable import try_database
from connectors_dagster.load.traits import destination_traits

TIMEOUT = 5.0
"""Seconds to wait until another program closes a DuckDB file."""


def try_destination(datasets: Iterable[str]) -> None:
    """Create a table and drop it again, in each dataset that exists, or in a new dataset that is dropped too.

    The database that has the locks of other machines is tried first.

    Nothing is left behind, also no new DuckDB file.

    Raises:
        SettingError, LoadError, DestinationBusyError: the destination cannot be used; says why.
    """
    use_defaults()
    destination = build_destination()
    for dataset in datasets:
        check_destination(destination, dataset)
    if url := locks_server():
        try_database(url, described(LOCKS, url))
    file = database_file()
    was_there = file is None or file.exists()
    with nobody_writing("checking the destination", timeout=TIMEOUT):
        _create_and_drop(datasets)
    if file and not was_there:
        with suppress(FileNotFoundError):
            file.unlink()


def _create_and_drop(datasets: Iterable[str]) -> None:
    try:
        for dataset in datasets:
            _try_dataset(dataset)
    except MaskedError:
        raise
    except Exception as error:  # noqa: BLE001  # each driver has errors of its own
        raise LoadError(damage(error) or f"{destination_name()}: {root_cause(error)}") from None


def _try_dataset(dataset: str) -> None:
    name = f"connectors_check_{uuid4().hex[:12]}"
    if destination_traits().table_format:
        try_folder(dlt.dataset(build_destination(), name).destination_client)
        return
    with dlt.dataset(build_destination(), dataset).sql_client as client:
        if destination_traits().plain_tables and client.has_dataset():
            table = client.make_qualified_table_name(name)
            client.execute_sql(f"CREATE TABLE {table} (id INTEGER)")
            client.execute_sql(f"DROP TABLE {table}")
            return
    # A dataset of that name, which a load may create at this moment, must not be dropped.
    with dlt.dataset(build_destination(), name).sql_client as client:
        client.create_dataset()
        client.drop_dataset()
