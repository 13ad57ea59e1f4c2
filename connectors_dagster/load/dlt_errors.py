"""dlt's errors and warnings: the root cause below what dlt wrapped around it, and warnings that are expected here."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from connectors_dagster.compat.dlt_retries import UnconfirmedError
from connectors_dagster.errors import ApiError, LoadError

EXPECTED_WARNINGS = (
    "several column hints were different",  # json as Arrow text, at every batch
    "native writer could not be found",  # rows as SQL
    "declared as already deduplicated",  # a sort order for duplicates is set, but there are none
)


def root_cause(error: BaseException) -> Exception:
    """Return the error of this project below what dlt wrapped around it, else the first cause as a `LoadError`."""
    chain = list(_chain(error))
    ours = (found for found in chain if isinstance(found, (ApiError, LoadError)))
    return next(ours, None) or LoadError(f"{type(chain[-1]).__name__}: {chain[-1]}")


def is_transient(error: BaseException) -> bool:
    """Return whether a destination failed in its operation, by the name every driver gives such errors (PEP 249)."""
    kinds = [kind for found in _chain(error) for kind in type(found).__mro__]
    return UnconfirmedError in kinds or any(kind.__name__ == "OperationalError" for kind in kinds)


@contextmanager
def without_expected_warnings() -> Iterator[None]:
    """Keep the expected warnings of dlt out of the log."""

    def unexpected(record: logging.LogRecord) -> bool:
        return not any(warning in str(record.msg) for warning in EXPECTED_WARNINGS)

    log = logging.getLogger("dlt")
    log.addFilter(unexpected)
    try:
        yield
    finally:
        log.removeFilter(unexpected)


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
