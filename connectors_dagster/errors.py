"""Errors, grouped by what the reader of the message should do."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from connectors_dagster.secrets.redaction import redact


class MaskedError(Exception):
    """An error that masks known secrets in its message."""

    def __init__(self, message: str) -> None:
        """Mask the known secrets in the message."""
        super().__init__(redact(message))


class SettingError(MaskedError, ValueError):
    """A setting has a value that cannot be used; the message names its environment variable and what is allowed."""


class ApiError(MaskedError):
    """The API refused a request or sent a response that cannot be used; a retry does not help.

    `response` describes the API's response, masked. It is empty if there was none.
    """

    response: Mapping[str, str | int] = MappingProxyType({})


class TransientApiError(ApiError):
    """The API failed in a way that a later retry may fix."""


class UnreachableError(TransientApiError):
    """The API accepts no connection."""


class ForeignOriginError(ApiError):
    """A request would have gone to another origin than the API's own."""


class EnvelopeError(ApiError):
    """A page does not have the structure that the connector declares."""


class RowError(ApiError):
    """A row cannot be loaded without loss."""


class LoadError(MaskedError):
    """Rows were read but not loaded; the destination is unchanged, or the next run repairs it."""


class TransientLoadError(LoadError):
    """The destination failed in a way that a later retry may fix."""


class DestinationBusyError(MaskedError):
    """Another process has locked the destination; nothing was loaded."""


class StorageError(MaskedError):
    """Dagster's storage cannot be read or written; what was loaded may not be recorded, and is then loaded again."""


TRANSIENT = (TransientApiError, TransientLoadError, DestinationBusyError)
"""Errors that a later retry may fix."""


def caused_by(errors: Iterable[Exception], message: str) -> ApiError:
    """Return the error of what was not tried because of others; a retry may help if it may help against all of them."""
    return (TransientApiError if all(isinstance(error, TRANSIENT) for error in errors) else ApiError)(message)


def is_same_for_all(error: Exception) -> bool:
    """Return whether every other window would get this error too: another origin, no connection, status 401 or 429.

    Not 403, as some plans allow no old windows.
    """
    status = error.response.get("status") if isinstance(error, ApiError) else None
    return isinstance(error, ForeignOriginError | UnreachableError) or status in {401, 429}
