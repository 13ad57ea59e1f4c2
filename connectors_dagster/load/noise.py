"""What dlt warns of and what is meant here."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

NOISE = (
    "several column hints were different",  # json as Arrow text, at every batch
    "native writer could not be found",  # rows as SQL
    "declared as already deduplicated",  # the newest of several is asked for, and there are not several
)


@contextmanager
def without_known_warnings() -> Iterator[None]:
    """Keep those warnings out of the log."""

    def other(record: logging.LogRecord) -> bool:
        return not any(noise in str(record.msg) for noise in NOISE)

    log = logging.getLogger("dlt")
    log.addFilter(other)
    try:
        yield
    finally:
        log.removeFilter(other)
