"""Rows that cannot be placed in a window or in the table: they fail their window, or are set aside."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from connectors_dagster.errors import RowError
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.read.failed_windows import FailedWindows
from connectors_dagster.rows.raw_json import NULL, RawRow, write_row
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice

Check = Callable[[Sequence[RawRow]], Mapping[int, str]]
"""Returns the rows of a page that cannot be loaded, by number, each with the reason."""


@dataclass(frozen=True, kw_only=True)
class RejectedRow:
    """A row that was set aside.

    Args:
        raw_row: the row as the API wrote it, as JSON text.
        reason: why it cannot be loaded.
        window_key: the window it was read for; None if the read was for several windows or for none.
    """

    raw_row: str
    reason: str
    window_key: str | None

    @property
    def id(self) -> str:
        """A text that depends only on the row and its window."""
        return hashlib.sha256(f"{self.window_key or ''}\n{self.raw_row}".encode()).hexdigest()


class BadRows:
    """Handles the rows that cannot be loaded, as `on_bad_row` of the resource says.

    `check` finds those whose key cannot be loaded, and `set_aside` is false if there is no table for bad rows.
    `rejected` has the rows that were set aside, by their id.
    """

    def __init__(self, resource: Resource, failed: FailedWindows) -> None:
        """Start without any; until another `check` is set, a key only must not be null."""
        self.resource, self.failed = resource, failed
        self.set_aside = resource.options.on_bad_row == "set_aside"
        self.check: Check = self._without_key
        self.rejected: dict[str, RejectedRow] = {}

    def keep_good(self, slice_: Slice | None, rows: list[RawRow], stats: ReadStats) -> list[RawRow]:
        """Return the rows of a page that can be loaded, and count them; none if the window has failed.

        Raises:
            RowError: no window is left that could be loaded.
        """
        if slice_ in self.failed:
            return []
        if bad := self.check(rows):
            try:
                self.refuse([(rows[number], reason) for number, reason in sorted(bad.items())], slice_, stats)
            except RowError as error:
                self.failed.add([slice_], error)
                return []
            rows = [row for number, row in enumerate(rows) if number not in bad]
        stats.rows += len(rows)
        return rows

    def refuse(self, bad: Sequence[tuple[RawRow, str]], slice_: Slice | None, stats: ReadStats) -> None:
        """Set rows aside, each with the reason; `slice_` is the window they were read for, if that is known.

        Raises:
            RowError: bad rows of the resource are declared to fail.
        """
        if not self.set_aside:
            self._fail([reason for _, reason in bad], slice_)
        for row, reason in bad:
            rejected = RejectedRow(
                raw_row=write_row(row), reason=reason, window_key=slice_.window.key if slice_ else None
            )
            if rejected.id not in self.rejected:
                self.rejected[rejected.id] = rejected
                stats.rejected += 1

    def _fail(self, reasons: Sequence[str], slice_: Slice | None) -> NoReturn:
        window = f" window {slice_.window.key}" if slice_ else ""
        others = f" (and {len(reasons) - 1} more rows like it)" if len(reasons) > 1 else ""
        raise RowError(
            f"{self.resource}{window}: {reasons[0]}{others}; to load the other rows, set on_bad_row of the resource "
            "to set_aside; for a stream of Airbyte, correct keys or cursors of its component ([]: the rows have no key)"
        )

    def _without_key(self, rows: Sequence[RawRow]) -> dict[int, str]:
        return {
            number: f"a row has no {name!r}, which is a key: check primary_key"
            for name in self.resource.primary_key
            for number, row in enumerate(rows)
            if row.get(name, NULL) == NULL
        }
