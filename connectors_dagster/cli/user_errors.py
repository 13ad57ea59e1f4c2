"""Errors that users can fix: the command line prints them without a traceback."""

from connectors_dagster.compat.dlt_internals import TomlProviderReadException
from connectors_dagster.errors import MaskedError
from connectors_dagster.orchestration.broken import BrokenConnectorsError


def explain(error: Exception) -> str | None:
    """Return the message of an error that users can fix, or None for a bug."""
    fixable = isinstance(error, MaskedError | BrokenConnectorsError | TomlProviderReadException)
    return str(error) if fixable else None
