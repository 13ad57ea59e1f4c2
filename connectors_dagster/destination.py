"""Where rows go: DuckDB unless configuration says otherwise, and one writer at a time."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.common.destination import Destination
from filelock import FileLock, Timeout

from connectors_dagster.errors import DestinationBusyError

DEFAULT_FILE = "connectors.duckdb"
SIBLINGS_TIMEOUT = 3600.0
STRANGERS_TIMEOUT = 60.0
POLL = 0.25


def destination_name() -> str:
    """Read the type of the destination, as dlt names it."""
    return str(dlt.config.get("connectors.destination") or "duckdb")


def duckdb_file() -> Path:
    """Read where the DuckDB file is; by default in the project folder."""
    configured: Any = dlt.secrets.get("destination.duckdb.credentials")
    if isinstance(configured, dict):
        configured = configured.get("database")
    if configured and str(configured).startswith("duckdb:///"):
        configured = str(configured).removeprefix("duckdb:///")
    return (project_folder() / str(configured or DEFAULT_FILE)).resolve()


def project_folder() -> Path:
    """Return the folder dlt's configuration belongs to."""
    return Path(dlt.current.run_context().run_dir).resolve()


def location() -> str:
    """Name the destination for people and records, without credentials."""
    name = destination_name()
    return f"duckdb {duckdb_file()}" if name == "duckdb" else name


def build_destination() -> Destination:  # type: ignore[type-arg]  # dlt leaves the parameters open, too
    """Make the configured destination; nothing is opened."""
    name = destination_name()
    if name == "duckdb":
        return dlt.destinations.duckdb(credentials=str(duckdb_file()))
    return Destination.from_reference(name)  # type: ignore[return-value]  # None only for a None reference


@contextmanager
def writer() -> Iterator[None]:
    """Be the only one of our processes at the destination, and wait for strangers at a DuckDB file to leave.

    DuckDB takes one writing process; elsewhere only the creation of a dataset must not be done twice at once.

    Raises:
        DestinationBusyError: someone else stays; says who and where.
    """
    name = destination_name()
    if name != "duckdb":
        yield
        return
    path = duckdb_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(path.with_name(path.name + ".lock")):
        _wait_for_strangers(path)
        yield


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    lock = FileLock(path, timeout=_timeout("siblings_timeout", SIBLINGS_TIMEOUT), poll_interval=0.1)
    try:
        lock.acquire()
    except Timeout:
        holder = path.read_text(encoding="utf-8").strip() or "an unknown process"
        raise DestinationBusyError(
            f"{path}: {holder} still holds the lock after {lock.timeout:.0f} s: wait for it or end it, then run again"
        ) from None
    try:
        path.write_text(f"process {os.getpid()} ({Path(sys.argv[0]).name})\n", encoding="utf-8")
        yield
    finally:
        lock.release()


def _wait_for_strangers(path: Path) -> None:
    timeout = _timeout("busy_timeout", STRANGERS_TIMEOUT)
    deadline = time.monotonic() + timeout
    while True:
        try:
            duckdb.connect(str(path)).close()
            return
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise
            if time.monotonic() >= deadline:
                raise DestinationBusyError(
                    f"{path}: still open in another program after {timeout:.0f} s: close it and run again. {error}"
                ) from None
        time.sleep(POLL)


def _timeout(name: str, default: float) -> float:
    return float(dlt.config.get(f"connectors.{name}") or default)
