"""The settings this project needs of dlt, below everything that people configure."""

from connectors_dagster.compat.dlt_internals import register_defaults

DUCKDB = {"memory_limit": "192MB", "threads": 2, "preserve_insertion_order": False}
DEFAULTS = {
    # Each row says which load it came with; it needs no number of its own because it has a key.
    "normalize": {"parquet_normalizer": {"add_dlt_load_id": True}},
    # Half of the time to extract goes into compressing files that live for seconds.
    "data_writer": {"disable_compression": True},
    "load": {"truncate_staging_dataset": True},
    # DuckDB would take most of the machine's memory for itself; what does not fit spills to disk beside the file.
    "destination": {"duckdb": {"credentials": {"global_config": DUCKDB}}},
    # dlt would finish its current step and forget that the process was asked to end.
    "runtime": {"dlthub_telemetry": False, "intercept_signals": False},
}


def use_defaults() -> None:
    """Register these settings with dlt; a second call changes nothing."""
    register_defaults("connectors_dagster", DEFAULTS)
