"""Errors of Dagster's own storage: a full or read-only disk, a lock, a damaged file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors_dagster.compat.dagster_config import missing_packages
from connectors_dagster.compat.dagster_pools import (
    database_errors,
    instance_errors,
    is_server_error,
    storage_error_text,
)
from connectors_dagster.errors import StorageError

WRONG_DRIVER = (
    "Dagster's storage, configured in {home}, is a Postgres whose address begins with postgresql://, which SQLAlchemy "
    "2.1 takes for psycopg 3: write postgresql+psycopg2://, or scheme: postgresql+psycopg2 with postgres_db"
)


LONGEST = 400
"""Characters of what Dagster says about its configuration: it may list all that is allowed."""
OF_FILES = (
    "Check that its disk has space and can be written, and that no other program locks it; if a file is damaged, "
    "restore a backup or move it away. Then run again: runs that could not be recorded as failed are ended first"
)
OF_SERVER = (
    "Start it or correct its settings. Then run again: runs that could not be recorded as failed are ended first"
)


@contextmanager
def storage_errors(home: Path) -> Iterator[None]:
    """Say where Dagster's storage is and what to do about it.

    Raises:
        StorageError: instead of an error of its database, or of a file in `home`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise StorageError(WRONG_DRIVER.format(home=home)) from None
    except database_errors() as error:
        raise StorageError(unusable(home, error)) from None
    except OSError as error:
        if error.filename is None or not Path(os.fsdecode(error.filename)).is_relative_to(home):
            raise
        raise StorageError(unusable(home, error)) from None


@contextmanager
def configuration_errors(home: Path) -> Iterator[None]:
    """Say that a Dagster instance is not configured correctly.

    Raises:
        StorageError: its `dagster.yaml`, or DAGSTER_HOME, cannot be used; says why.
    """
    try:
        yield
    except instance_errors() as error:
        said = " ".join(str(error).split()) or type(error).__name__
        shown = said if len(said) <= LONGEST else f"{said[:LONGEST]}…"
        raise StorageError(
            f"the Dagster instance of DAGSTER_HOME ({home}) cannot be opened: {shown}. Correct {home / 'dagster.yaml'} "
            "or the environment, or install the package that is named"
        ) from None


def check_packages(home: Path) -> None:
    """Refuse an instance with a part whose package is not installed, before anything that needs it has begun.

    Raises:
        StorageError: names the part and the package.
    """
    for part, package in missing_packages(home).items():
        named = f"{home / 'dagster.yaml'} has a {part} of {package}, which is not installed here"
        raise StorageError(f"{named}: install the package {package.replace('_', '-')}, or correct the file")


def unusable(home: Path, error: Exception) -> str:
    """Say where Dagster's storage is, why it cannot be used, and what to do."""
    said, hint = (
        " ".join(storage_error_text(error).split()).rstrip("?."),
        OF_SERVER if is_server_error(error) else OF_FILES,
    )
    return f"Dagster's storage, configured in {home}, cannot be used: {said}. {hint}"
