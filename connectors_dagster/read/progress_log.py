"""Progress of a long read, logged every few seconds instead of for every page."""

import logging
from collections.abc import Callable

from connectors_dagster.spec.plural import noun

logger = logging.getLogger(__name__)
EVERY = 5.0
"""Seconds."""


class ProgressLog:
    """Counts pages and rows, and logs the counts every few seconds."""

    def __init__(self, label: str, clock: Callable[[], float]) -> None:
        """Start counting; `clock` returns seconds."""
        self.label, self.clock = label, clock
        self._rows = self._pages = 0
        self._began = self._last = clock()

    def note(self, *, rows: int) -> None:
        """Count a page, and log the counts if the last log line is old enough."""
        self._rows, self._pages, now = self._rows + rows, self._pages + 1, self.clock()
        if now - self._last >= EVERY:
            self._last = now
            of_rows, of_pages, seconds = noun(self._rows, "row"), noun(self._pages, "page"), now - self._began
            text = "%s: %d %s on %d %s in %.0f s so far"
            logger.info(text, self.label, self._rows, of_rows, self._pages, of_pages, seconds)
