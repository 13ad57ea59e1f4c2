"""The destination: DuckDB unless configured otherwise, with one writer at a time."""

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt
from dlt.common.destination import Destination, TLoaderFileFormat
from dlt.common.schema import Schema
from dlt.destinations.sql_client import SqlClientBase

from connectors_dagster.compat.dlt_internals import (
    AnyDestination,
    UnknownDestinationModule,
    remember_capabilities,
    remember_configuration,
)
from connectors_dagster.compat.dlt_postgres import copy_exactly
from connectors_dagster.compat.dlt_retries import write_files_once
from connectors_dagster.config.destination_secrets import destination_secrets
from connectors_dagster.config.dlt_defaults import STAGING_LAYOUT
from connectors_dagster.config.locks import SAY_AFTER, Waiting, exclusive_lock
from connectors_dagster.config.settings import destination_name, table_format
from connectors_dagster.config.timeouts import busy_timeout
from connectors_dagster.config.values import environment
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.errors import DestinationBusyError, LoadError, SettingError
from connectors_dagster.files.private_files import private_files
from connectors_dagster.load import ducklake
from connectors_dagster.load.duckdb_errors import explain, is_locked
from connectors_dagster.load.family_lock import only_merger
from connectors_dagster.load.lake import check_libraries
from connectors_dagster.load.lake_tables import LakeTables
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.secrets.redaction import remember
from connectors_dagster.spec.suggestion import suggest

if TYPE_CHECKING:
    import duckdb

CREDENTIALS = "destination.duckdb.credentials"
DEFAULT_FILE = "connectors.duckdb"
LOAD_ID = "_dlt_load_id"
MERGES = "delete-insert"
"""The merge strategy that all loads use; where a destination lacks it, dlt appends."""
POLL = 0.25
COPIED_AS_A_WHOLE = ("duckdb", "postgres")
"""Whose credentials dlt copies as a whole: a copy of those of a cloud lacks what was found on the machine."""


def duckdb_file() -> Path:
    """Read the path of the DuckDB file; by default it is in the project folder.

    Raises:
        SettingError: the database would be in memory, or the path is that of a folder.
    """
    configured: Any = dlt.secrets.get(CREDENTIALS)
    if isinstance(configured, dict):
        configured = configured.get("database")
    if configured and str(configured).startswith("duckdb:///"):
        configured = str(configured).removeprefix("duckdb:///")
    if str(configured).startswith(":memory:"):
        raise SettingError(
            f"{environment(CREDENTIALS)} is ':memory:': the rows would be lost after the run: set the path of a file"
        )
    path = (project_folder() / str(configured or DEFAULT_FILE)).resolve()
    if path.is_dir():
        raise SettingError(f"{environment(CREDENTIALS)} is {path}, which is a folder: set the path of a file in it")
    return path


def check_destination(destination: AnyDestination, dataset: str) -> None:
    """Refuse a destination that cannot hold exactly the rows of an API, and prepare dlt for it.

    Raises:
        SettingError: dlt appends to it where it should merge, so that rows which are loaded again would be doubled; or
            the DuckDB file has the name of the dataset: DuckDB could not distinguish them.
    """
    lake, wanted = destination_traits().table_format, table_format()
    write_files_once(destination_name())
    if wanted and not lake:
        raise SettingError(
            f"{environment('connectors.table_format')} is {wanted!r}, but {environment('connectors.destination')} is "
            f"{destination_name()!r}: a format is only for 'filesystem'"
        )
    if lake:
        check_libraries(lake)
    elif not _merges(destination):
        raise SettingError(
            f"{environment('connectors.destination')} is {destination_name()!r}, which cannot replace rows: what is "
            "loaded again would be there twice: choose a database, such as duckdb, postgres or sqlalchemy, or set "
            f"{environment('connectors.table_format')} to delta or iceberg if it is 'filesystem'"
        )
    if destination_traits().writer_lock == "catalog":
        ducklake.check_extensions()
    if destination_traits().in_file and duckdb_file().stem.lower() in (dataset, STAGING_LAYOUT % dataset):
        raise SettingError(
            f"{environment(CREDENTIALS)} is {duckdb_file()}: DuckDB confuses a file with a schema of the same name, "
            f"and {dataset!r} is the schema of the connector: rename the file"
        )


def _merges(destination: AnyDestination) -> bool:
    """Return whether dlt merges into tables as it makes them there: in Athena, only into tables of Iceberg."""
    capabilities = destination.capabilities()
    found, select = capabilities.supported_merge_strategies or (), capabilities.merge_strategies_selector
    table: Any = {"columns": {}, "table_format": capabilities.preferred_table_format}
    return MERGES in (select(found, table_schema=table) if select else found)


def database_file(name: str | None = None) -> Path | None:
    """Return the file that one process at a time opens: the database, or the catalog of a lake; None for a server."""
    if destination_traits(name).writer_lock == "catalog":
        return ducklake.catalog_file()
    return duckdb_file() if destination_traits(name).in_file else None


def is_new() -> bool:
    """Return whether the destination is a file that no load has created yet."""
    file = database_file()
    return file is not None and file.parent.is_dir() and not file.exists()


def build_destination(name: str | None = None) -> AnyDestination:
    """Build a destination without opening it, by default the configured one; from now on its secrets are masked.

    Raises:
        SettingError: dlt has no such destination.
    """
    remember(destination_secrets())
    name = name or destination_name()
    destination = remember_capabilities(_destination(name))
    return remember_configuration(destination) if name in COPIED_AS_A_WHOLE else destination


def _destination(name: str) -> AnyDestination:
    if destination_traits(name).in_file:
        return dlt.destinations.duckdb(credentials=str(duckdb_file()))
    if name == "ducklake":
        return ducklake.build_ducklake()
    if name == "sqlalchemy":
        return dlt.destinations.sqlalchemy(engine_kwargs=_engine_settings())
    try:
        return Destination.from_reference(name)  # type: ignore[return-value]  # None only for None
    except UnknownDestinationModule:
        hint = suggest(name.lower(), dlt.destinations.__all__)
        setting = environment("connectors.destination")
        raise SettingError(f"{setting} is {name!r}, which is not a destination of dlt; {hint}") from None


def _engine_settings() -> dict[str, Any]:
    """Return the engine settings of users, with nested fields stored as the JSON text that they already are."""
    configured: dict[str, Any] = dlt.config.get("destination.sqlalchemy.engine_kwargs") or {}
    return {**configured, "json_serializer": lambda value: value if isinstance(value, str) else json.dumps(value)}


def file_format(destination: AnyDestination, *, arrow: bool) -> TLoaderFileFormat | None:
    """Choose the file format: parquet if every installation accepts it, else SQL text, else what dlt prefers.

    Postgres copies CSV, which is faster than SQL text; written from Arrow, it distinguishes empty text and NULL.
    Formats that only some installations accept are not used because a table is created for the format of its first
    load (``jsonb`` does not accept parquet).

    Args:
        destination: where the rows are loaded.
        arrow: whether they arrive as Arrow batches, else as objects.
    """
    if destination_traits().table_format:
        return "parquet"
    if destination_traits().copies_csv and arrow:
        copy_exactly()
        return "csv"
    capabilities = destination.capabilities()
    formats = list(capabilities.supported_loader_file_formats or ())
    if capabilities.loader_file_format_selector and "parquet" in formats:
        formats.remove("parquet")
    wanted: tuple[TLoaderFileFormat, ...] = ("parquet", "insert_values")
    return next((name for name in wanted if name in formats), None)


@contextmanager
def writer(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Keep other writers out where the destination needs it: of a DuckDB file, or of a family's tables on Postgres.

    Raises:
        DestinationBusyError: another process keeps it open; names it and the place.
        LoadError: the destination cannot be opened at all.
    """
    family, purpose = f"{pipeline.dataset_name}.{pipeline.pipeline_name}", f"loading {pipeline.pipeline_name}"
    with only_merger(pipeline) if destination_traits().writer_lock == "advisory" else _turn(purpose, family=family):
        yield


@contextmanager
def only_writer(path: Path, purpose: str, *, timeout: float | None = None) -> Iterator[None]:
    """Open a DuckDB file for one process of this project, and wait until other programs close it.

    `timeout` is how many seconds to wait for others; by default as configured.

    Raises:
        DestinationBusyError: another process keeps it open; names it and the place.
        LoadError: the file cannot be opened at all.
    """
    if not path.parent.is_dir():
        raise LoadError(
            f"{path}: the folder {path.parent} does not exist: create it, mount its disk or correct "
            f"{environment(CREDENTIALS)}; then run again"
        )
    lock = exclusive_lock(path.with_name(path.name + ".lock"), purpose, timeout=timeout)
    with private_files(), lock, closing(_open(path, timeout)):
        # This connection stays open so that no other program opens the file before dlt does.
        yield


@contextmanager
def reading(dataset: str, *, timeout: float | None = None) -> Iterator[SqlClientBase[Any]]:
    """Open a dataset for queries; a DuckDB file is opened only while no process writes it.

    `timeout` is how many seconds to wait for that; by default as configured.
    """
    with nobody_writing(f"reading {dataset}", timeout):
        tables = dlt.dataset(build_destination(), dataset)
        lake = destination_traits().table_format
        client: Any = LakeTables(tables.destination_client) if lake else tables.sql_client
        with client:
            yield client


def stored_schema(dataset: str, name: str) -> Schema:
    """Read the schema that the destination stores for a family; it has no tables before the first load."""
    with nobody_writing(f"reading the schema of {name}"):
        return dlt.dataset(build_destination(), dataset, schema=name).schema


@contextmanager
def nobody_writing(purpose: str, timeout: float | None = None, *, name: str | None = None) -> Iterator[None]:
    """Wait until no process writes a destination that is a file, by default the configured one, and keep them out."""
    with _turn(purpose, timeout=timeout, name=name):
        yield


def _turn(
    purpose: str, *, family: str = "", timeout: float | None = None, name: str | None = None
) -> AbstractContextManager[None]:
    """Return the lock of a destination that is a file or a lake; `family` is what is written, if anything is."""
    lock = destination_traits(name).writer_lock
    if lock == "file":
        return only_writer(duckdb_file(), purpose, timeout=timeout)
    return ducklake.only_lake_writer(purpose, family, timeout=timeout) if lock == "catalog" else nullcontext()


def _open(path: Path, timeout: float | None = None) -> "duckdb.DuckDBPyConnection":
    import duckdb  # imported here so that looking up the destination does not load a database

    timeout = busy_timeout() if timeout is None else timeout
    waiting = Waiting()
    while True:
        try:
            return duckdb.connect(str(path))
        except duckdb.Error as error:
            if not is_locked(error):
                raise LoadError(explain(error, path) or f"{path}: {error}") from None
            if waiting.seconds >= timeout:
                raise DestinationBusyError(
                    f"{path}: still open in another program after {timeout:.0f} s: close it and retry. {error}"
                ) from None
            if waiting.seconds >= SAY_AFTER and waiting.is_due():
                waiting.say(f"{path}, which is open in another program: {error}")
        time.sleep(POLL)


def damage(error: Exception) -> str | None:
    """Say what to do if the DuckDB file cannot be used; None if an error has another cause."""
    return explain(error, duckdb_file()) if destination_traits().in_file else None
