"""What can go wrong with an API, grouped by what its reader should do."""

from collections.abc import Mapping
from types import MappingProxyType


class ApiError(Exception):
    """The API refused or answered nonsense; asking again does not help.

    `answer` is what it answered, without secrets, as far as there was an answer.
    """

    answer: Mapping[str, str | int] = MappingProxyType({})


class TransientApiError(ApiError):
    """The API failed in a way that may pass; asking again later can help."""


class ForeignOriginError(ApiError):
    """A request would have left the API's own origin."""


class EnvelopeError(ApiError):
    """A page does not look as the connector says."""


class RowError(ApiError):
    """A row cannot be loaded without losing something."""


class DestinationBusyError(Exception):
    """Somebody else holds the destination; nothing has been loaded."""


class LoadError(Exception):
    """Rows were read but could not be loaded; the destination is as it was, or the next run repairs it."""


class TransientLoadError(LoadError):
    """The destination failed in a way that may pass; loading again later can help."""
