"""dlt settings that this project needs; anything that users configure overrides them."""

from collections.abc import Iterator
from contextlib import contextmanager

from connectors_dagster.compat.dlt_internals import other_default, register_defaults

NAME = "connectors_dagster"
DUCKDB = {
    # By default DuckDB uses most of the machine's memory. What does not fit here spills to disk beside the file.
    "global_config": {
        "memory_limit": "128MB",
        "threads": 2,
        "preserve_insertion_order": False,
        "max_vacuum_tasks": 100,
    },
    # dlt sets 1 GB, so that the rows of a load are written twice: to the log of the file, and to the file.
    "pragmas": ["wal_autocheckpoint='4MB'"],
}
STAGING_LAYOUT = "_dlt_staging_%s"
DEFAULTS = {
    # Each row records its load. It does not need dlt's row id because it has a key.
    "normalize": {"parquet_normalizer": {"add_dlt_load_id": True}},
    # Compression takes half of the extract time, for files that exist for seconds.
    "data_writer": {"disable_compression": True},
    "load": {"truncate_staging_dataset": True},
    "destination": {
        "duckdb": {"credentials": DUCKDB},
        "ducklake": {"credentials": {"global_config": DUCKDB["global_config"]}},
        # dlt's own name, `shop_staging`, may belong to another connector or to people. No connector begins with `_`.
        "staging_dataset_name_layout": STAGING_LAYOUT,
    },
    # With its signal handling, dlt would finish its current step and ignore the request to end the process.
    "runtime": {"dlthub_telemetry": False, "intercept_signals": False},
}


def use_defaults() -> None:
    """Register these settings with dlt; a second call changes nothing."""
    register_defaults(NAME, DEFAULTS)


@contextmanager
def duckdb_unlimited() -> Iterator[None]:
    """Let DuckDB use as much memory as by its own default: it cannot spill all that it keeps of very wide rows."""
    import duckdb  # imported here so that settings can be read without a database

    with duckdb.connect() as anywhere:
        [(limit,)] = anywhere.execute("SELECT current_setting('memory_limit')").fetchall()
    with other_default(NAME, limit, "memory_limit", "destination", "duckdb", "credentials", "global_config"):
        yield


@contextmanager
def duckdb_unmerged() -> Iterator[None]:
    """Let DuckDB leave small row groups as they are; else each third load writes those before it anew, as one group."""
    with other_default(NAME, 0, "max_vacuum_tasks", "destination", "duckdb", "credentials", "global_config"):
        yield


@contextmanager
def batches_apart() -> Iterator[None]:
    """Let dlt write each Arrow batch as a row group of its own; else it makes groups of 5,000 rows of any size.

    DuckDB takes memory for several groups at once.
    """
    with other_default(NAME, 1, "buffer_max_items", "data_writer"):
        yield
