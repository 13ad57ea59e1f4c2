"""What can go wrong, grouped by what the reader of the message should do."""

from collections.abc import Mapping
from types import MappingProxyType

from connectors_dagster.secrets.redaction import redact


class MaskedError(Exception):
    """An error whose message never shows a secret: it is masked when the error is made."""

    def __init__(self, message: str) -> None:
        """Mask the known secrets in the message."""
        super().__init__(redact(message))


class ApiError(MaskedError):
    """The API refused a request or sent a response that cannot be used; a retry does not help.

    `response` describes what the API answered, masked, if it answered at all.
    """

    response: Mapping[str, str | int] = MappingProxyType({})


class TransientApiError(ApiError):
    """The API failed in a way that a later retry may overcome."""


class ForeignOriginError(ApiError):
    """A request would have left the API's own origin."""


class EnvelopeError(ApiError):
    """A page does not look as the connector says."""


class RowError(ApiError):
    """A row cannot be loaded without losing something."""


class LoadError(MaskedError):
    """Rows were read but not loaded; the destination is unchanged, or the next run repairs it."""


class TransientLoadError(LoadError):
    """The destination failed in a way that a later retry may overcome."""


class DestinationBusyError(MaskedError):
    """Another process holds the destination; nothing was loaded."""
