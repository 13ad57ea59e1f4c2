"""Errors of Dagster's own storage: a full or read-only disk, a lock, a damaged file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors_dagster.compat.dagster_pools import database_errors, storage_error_text
from connectors_dagster.errors import StorageError

WRONG_DRIVER = (
    "Dagster's storage, configured in {home}, is a Postgres whose address begins with postgresql://, which SQLAlchemy "
    "2.1 takes for psycopg 3: write postgresql+psycopg2://, or scheme: postgresql+psycopg2 with postgres_db"
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


def unusable(home: Path, error: Exception) -> str:
    """Say where Dagster's storage is, why it cannot be used, and what to do."""
    return (
        f"Dagster's storage, configured in {home}, cannot be used: {storage_error_text(error)}. Check that its disk "
        "has space and can be written, and that no other program locks it; if a file is damaged, restore a backup or "
        "move it away. Then run again: runs that could not be recorded as failed are ended first"
    )
