"""dlt's errors and warnings: the root cause below what dlt wrapped around it, and warnings that are expected here."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from connectors_dagster.compat.dlt_internals import ConfigFieldMissingException
from connectors_dagster.compat.dlt_retries import UnconfirmedError
from connectors_dagster.errors import ApiError, LoadError
from connectors_dagster.load.duckdb_errors import is_out_of_memory

EXPECTED_WARNINGS = (
    "several column hints were different",  # json as Arrow text, at every batch
    "native writer could not be found",  # rows as SQL
    "declared as already deduplicated",  # a sort order for duplicates is set, but there are none
)


def root_cause(error: BaseException) -> Exception:
    """Return the error of this project below what dlt wrapped around it, else the first cause as a `LoadError`."""
    chain = list(_chain(error))
    ours = (found for found in chain if isinstance(found, (ApiError, LoadError)))
    return next(ours, None) or LoadError(_described(chain[-1]))


def is_transient(error: BaseException) -> bool:
    """Return whether a destination failed in its operation, by the name every driver gives such errors (PEP 249)."""
    kinds = [kind for found in _chain(error) for kind in type(found).__mro__]
    return UnconfirmedError in kinds or any(kind.__name__ == "OperationalError" for kind in kinds)


@contextmanager
def without_expected_warnings() -> Iterator[None]:
    """Keep the expected warnings of dlt out of the log, and what it says of each attempt that ran out of memory."""

    def unexpected(record: logging.LogRecord) -> bool:
        said = f"{record.getMessage()} {record.exc_info[1] if record.exc_info else ''}"
        return not any(warning in said for warning in EXPECTED_WARNINGS) and not is_out_of_memory(said)

    log = logging.getLogger("dlt")
    log.addFilter(unexpected)
    try:
        yield
    finally:
        log.removeFilter(unexpected)


def _described(error: BaseException) -> str:
    """Say what an error is; of settings of a destination that are missing, their names, not all that dlt tried."""
    if not isinstance(error, ConfigFieldMissingException):
        return f"{type(error).__name__}: {error}"
    tried = [place.key for places in error.attrs()["traces"].values() for place in places]
    written = [name for name in tried if name.startswith("DESTINATION__")]
    deepest = max((name.count("__") for name in written), default=0)
    wanted = "".join(f"\n  {name}" for name in dict.fromkeys(written) if name.count("__") == deepest)
    whole = " a URL as …__CREDENTIALS, or what is missing of it" if "__CREDENTIALS__" in wanted else ""
    return f"the destination is not configured; set{whole}:{wanted}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
