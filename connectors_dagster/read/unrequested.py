"""Rows that were not requested: they show that the filter of an API means something else than declared."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors_dagster.errors import RowError
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.read.bounds import requested, window_bounds
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice

INEXACT = timedelta(minutes=1)
"""Some filters ignore seconds. Time zones differ by more."""


class Unrequested:
    """Refuses rows that an API returns from outside of the bounds of a request.

    If the filter uses another time zone or another field, rows at the other end are missing, and nothing shows it.
    """

    def __init__(self, resource: Resource, slices: Sequence[Slice], read: ReadStats) -> None:
        """Look up what is requested for neighbouring slices; `read` has the counts of the requests."""
        assert resource.cursor
        self.resource, self.slices, self.read = resource, slices, read
        self.timestamps = resource.cursor.timestamp_format
        self.bounds = requested(resource, slices)
        self.ignored = resource.cursor.outside == "drop"

    def check(self, timestamp: datetime, cursor: Callable[[], Any]) -> None:
        """Refuse a row that differs from the bounds by more than the resolution of its cursor, at least a minute.

        A row may be newer than what was requested if it has changed since.

        Raises:
            RowError: says what was requested, what came, and what to do.
        """
        if self.ignored or self.bounds.lower is None:
            return
        value = cursor()
        span = max(self.timestamps.resolution(value), INEXACT)
        early = timestamp + span < self.bounds.lower
        late = self.bounds.upper is not None and timestamp > self.bounds.upper + span
        if early or (late and timestamp + span < self._settled()):
            sent = " to ".join(map(str, window_bounds(self.resource, self.slices).values()))
            raise RowError(
                f"{self.resource} window {self.slices[0].window.key}: {sent} was requested, but the API returned a row "
                f"whose cursor {self.resource.cursor_path!r} is {value!r}. Its filter may use another time zone, so "
                "that rows are missing: set timezone of the timestamp_format. Or it filters by another field: set "
                "cursor_path to that field. If neither is the case, set outside='drop' of the cursor. For a stream of "
                "Airbyte, set cursors in defs.yaml: null reads the stream whole"
            )

    def _settled(self) -> datetime:
        extent = self.slices[0].extent
        assert extent
        return extent.settled - timedelta(seconds=self.read.clock_lag)
