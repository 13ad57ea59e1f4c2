"""How long to wait for others, in seconds; each is a setting."""

from connectors_dagster.config.values import Duration, read


def siblings_timeout() -> float:
    """Read how long to wait for other runs of this project."""
    return read("connectors.siblings_timeout", Duration, 3600.0)


def busy_timeout() -> float:
    """Read how long to wait for another program to close the DuckDB file."""
    return read("connectors.busy_timeout", Duration, 60.0)
