"""A sign of life of a long read, every few seconds and not at every page."""

import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)
EVERY = 5.0
"""Seconds."""


class ProgressLog:
    """Counts pages as they come and logs the counts now and then."""

    def __init__(self, label: str, clock: Callable[[], float]) -> None:
        """Begin to count; `clock` tells seconds."""
        self.label, self.clock = label, clock
        self._rows = self._pages = 0
        self._began = self._last = clock()

    def note(self, *, rows: int) -> None:
        """Count a page; says how far the read is if it has not done so for a while."""
        self._rows, self._pages, now = self._rows + rows, self._pages + 1, self.clock()
        if now - self._last >= EVERY:
            self._last = now
            seconds = now - self._began
            logger.info("%s: %d rows on %d pages in %.0f s so far", self.label, self._rows, self._pages, seconds)
