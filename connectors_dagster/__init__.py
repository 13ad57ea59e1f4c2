"""Declarative REST connectors as partitioned Dagster assets, loaded by dlt."""

from typing import Any

__all__ = ["RestConnector"]


def __getattr__(name: str) -> Any:
    """Import the Dagster component when it is asked for: reading and loading work without Dagster."""
    if name == "RestConnector":
        from connectors_dagster.orchestration.component import RestConnector

        return RestConnector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name what can be imported, for `dg` to find the component."""
    return [*globals(), *__all__]
