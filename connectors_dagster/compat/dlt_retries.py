"""The parts of dlt that write a file into a database, and write it again if the first attempt may have failed.

An attempt whose commit was not confirmed has written its rows all the same. dlt inserts them a second time, into the
table or into the staging table that is merged from, so that they would be there twice.

Not public in dlt:

* the classes of these jobs, and that clients take them from the modules of the databases, where they are replaced;
* that a job knows its client, and the client whether the staging dataset is meant.

Importing this module loads neither DuckDB nor psycopg2.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dlt.common.destination.exceptions import DestinationTransientException
from dlt.common.schema.typing import C_DLT_LOAD_ID

JOBS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "postgres": ("postgres.postgres", "PostgresCsvCopyJob"),
        "duckdb": ("duckdb.duck", "DuckDbCopyJob"),
        "motherduck": ("duckdb.duck", "DuckDbCopyJob"),
        "ducklake": ("ducklake.ducklake", "DuckLakeCopyJob"),
    }
)
"""The module and the class with which a destination writes files, beside those of SQL text."""

FILE = "_dlt_file"


Merges = Mapping[tuple[str, str], Sequence[str]]
"""The columns of the key of each file that is merged instead of being inserted, by the id of its load and its table."""
_merges: dict[tuple[str, str], Sequence[str]] = {}


class UnconfirmedError(DestinationTransientException):
    """It is not known whether an attempt has written its rows, nor which rows of a table they would be."""


def write_files_once(destination: str) -> None:
    """Make dlt write each file of a package once, whatever it retries; a second call changes nothing."""
    _replace("dlt.destinations.insert_job_client", "InsertValuesLoadJob")
    if destination in JOBS:
        module, name = JOBS[destination]
        _replace(f"dlt.destinations.impl.{module}", name)


@cache
def _replace(module: str, name: str) -> None:
    of_dlt: Any = vars(import_module(module))[name]

    class WritesOnce(of_dlt):  # type: ignore[misc]  # known when it runs
        """Writes or merges a file; if it is retried, it first removes what an attempt has written beside other rows."""

        def run(self) -> None:
            """Write the file."""
            if keys := _merges.get((self._load_id, self.load_table_name)):
                _merge(self, keys)
                return
            if self.job_file_info().retry_count:
                _remove(self)
            super().run()

    vars(import_module(module))[name] = WritesOnce


@contextmanager
def merging(merges: Merges) -> Iterator[None]:
    """Merge some files while they are loaded."""
    _merges.update(merges)
    try:
        yield
    finally:
        for file in merges:
            del _merges[file]


def _merge(job: Any, keys: Sequence[str]) -> None:
    """Write the file of a job in place of the rows with the same keys, in a transaction that may be repeated.

    DuckDB's own MERGE keeps all values that it changes in memory, several times over, and what it deletes it need not.
    """
    client: Any = job._job_client.sql_client
    table, name = client.make_qualified_table_name(job.load_table_name), client.escape_column_name
    same = " AND ".join(f"{table}.{name(key)} = {FILE}.{name(key)}" for key in keys)
    rows = f"(SELECT {', '.join(map(name, keys))} FROM read_parquet(%s)) AS {FILE}"
    with client.begin_transaction():
        client.execute_sql(f"DELETE FROM {table} USING {rows} WHERE {same}", job._file_path)
        client.execute_sql(f"INSERT INTO {table} BY NAME SELECT * FROM read_parquet(%s)", job._file_path)


def _remove(job: Any) -> None:
    """Remove the rows that an attempt of a job has written.

    Raises:
        UnconfirmedError: they cannot be told from the rows of others; the load fails, to be read again.
    """
    client: Any = job._job_client.sql_client
    table, load_id = client.make_qualified_table_name(job.load_table_name), client.escape_column_name(C_DLT_LOAD_ID)
    if _is_alone(job) and C_DLT_LOAD_ID in job._load_table["columns"]:
        client.execute_sql(f"DELETE FROM {table} WHERE {load_id} = %s", job._load_id)
    elif _is_alone(job) and client.is_staging_dataset_active:
        client.execute_sql(f"DELETE FROM {table} WHERE 1 = 1")
    else:
        raise UnconfirmedError(
            f"{job.load_table_name}: it is not known whether {Path(job._file_path).name} was written, and its rows "
            "cannot be told from those of other files"
        )


def _is_alone(job: Any) -> bool:
    """Return whether the package has no other file for the table."""
    folder, file = Path(job._file_path).parent.parent, job.job_file_info()
    return len(list(folder.glob(f"*/{file.table_name}.*.{file.file_format}"))) == 1
