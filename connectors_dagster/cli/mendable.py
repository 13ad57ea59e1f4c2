"""Errors that people can mend: what the command line says instead of a traceback."""

from connectors_dagster.compat.dlt_internals import TomlProviderReadException
from connectors_dagster.errors import MaskedError, SettingError
from connectors_dagster.orchestration.broken import BrokenConnectorsError


def explain(error: Exception) -> str | None:
    """Return what to say of an error; None if it is a fault of the program."""
    mendable = isinstance(error, SettingError | MaskedError | BrokenConnectorsError | TomlProviderReadException)
    return str(error) if mendable else None
