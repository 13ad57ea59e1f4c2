"""What really went wrong, below what dlt wrapped around it."""

from collections.abc import Iterator

from connectors_dagster.errors import ApiError, LoadError
from connectors_dagster.secrets.redaction import redact


def root_cause(error: BaseException) -> Exception:
    """Find what this project raised below what dlt wrapped around it; anything else is redacted."""
    chain = list(_chain(error))
    ours = (found for found in chain if isinstance(found, (ApiError, LoadError)))
    return next(ours, None) or LoadError(redact(f"{type(chain[-1]).__name__}: {chain[-1]}"))


def is_transient(error: BaseException) -> bool:
    """Tell failures of the destination's operation, by the name every database driver gives them (PEP 249)."""
    return any(kind.__name__ == "OperationalError" for found in _chain(error) for kind in type(found).__mro__)


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
