"""A lake: folders of Delta or Iceberg tables, which dlt writes through the libraries of these formats."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import dlt

from connectors_dagster.compat.dlt_lakes import (
    drop_torn_metadata,
    format_of,
    merge_iceberg_in_one_commit,
    write_records_whole,
)
from connectors_dagster.config.locks import exclusive_lock
from connectors_dagster.config.settings import destination_name
from connectors_dagster.config.values import TableFormat, environment
from connectors_dagster.config.workdir import work_subfolder
from connectors_dagster.errors import LoadError, SettingError
from connectors_dagster.load.lake_tables import LakeTables
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.spec.resource import Resource

LIBRARIES = {"delta": "deltalake", "iceberg": "pyiceberg"}
BUCKET = "destination.filesystem.bucket_url"


def check_libraries(table_format: TableFormat) -> None:
    """Refuse to load where the library of a format is missing, and prepare dlt for it.

    Raises:
        SettingError: says what to install.
    """
    if find_spec(LIBRARIES[table_format]) is None:
        raise SettingError(
            f"{environment('connectors.table_format')} is {table_format!r}, which needs the package "
            f"{LIBRARIES[table_format]}: install this package with the extra {table_format}"
        )
    write_records_whole()
    if table_format == "iceberg":
        merge_iceberg_in_one_commit()


def check_resources(resources: Sequence[Resource]) -> None:
    """Refuse what a destination cannot hold exactly.

    Raises:
        SettingError: rows of a lake would get child tables, or be merged by other columns than their key; or the
            destination cannot find or mark the rows that the API no longer returns.
    """
    traits = destination_traits()
    for resource in resources if not traits.updates_rows else ():
        if resource.missing_rows == "mark" or (resource.list_of and resource.missing_rows == "delete"):
            raise SettingError(
                f"{resource} has missing_rows {resource.missing_rows!r}, which needs statements that "
                f"{destination_name()} does not have: set it to 'keep', or choose another destination"
            )
    for resource in resources if traits.table_format else ():
        for hint in ("max_table_nesting", "merge_key"):
            if resource.definition.get(hint):
                raise SettingError(
                    f"{resource} has {hint}, with which a merge also deletes rows of other keys: tables in the format "
                    f"{traits.table_format} cannot do that: remove it, or choose a database as the destination"
                )


def prepare_folders(pipeline: dlt.Pipeline, resources: Sequence[Resource]) -> None:
    """Make the folder of a dataset, and repair what a load that was killed has left in those of the tables.

    Raises:
        LoadError: a table has another format, so that its rows would not be seen any more; or the folder is not dlt's.
    """
    wanted = destination_traits().table_format
    if wanted is None:
        return
    client: Any = pipeline.destination_client()
    with exclusive_lock(work_subfolder("families") / f"{client.dataset_name}.folder.lock", "making the folder"):
        _make_folder(client)
    for resource in resources:
        drop_torn_metadata(client, resource.name)
        found = format_of(client, resource.name)
        if found not in (None, wanted):
            raise LoadError(
                f"{client.dataset_name}.{resource.name} is a table in the format {found}, and "
                f"{environment('connectors.table_format')} is {wanted}: set it to {found}, or choose another folder"
            )


def _make_folder(client: Any) -> None:
    if client.is_storage_initialized():
        return
    if client.fs_client.isdir(client.dataset_path):  # else dlt fails
        if client.fs_client.ls(client.dataset_path):
            raise LoadError(
                f"{lake_location()}: the folder {client.dataset_name} has files that no load has written: move them "
                "away, or choose another folder"
            )
        client.fs_client.rmdir(client.dataset_path)
    client.initialize_storage()


def lake_location() -> str:
    """Describe the lake for people and records, without credentials."""
    return f"{destination_name()} {destination_traits().table_format} {dlt.config.get(BUCKET)}"


def tables_of(pipeline: dlt.Pipeline) -> Any:
    """Return a client for the tables of a pipeline, for SQL; to be opened."""
    if destination_traits().table_format:
        return LakeTables(pipeline.destination_client())
    return pipeline.sql_client()


def try_folder(client: Any) -> None:
    """Write a file and delete it again.

    Args:
        client: dlt's client of the filesystem, with the name of a dataset that does not exist.
    """
    client.initialize_storage()
    client.drop_storage()
