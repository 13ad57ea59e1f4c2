"""Counts of a read that become metadata."""

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass
class ReadStats:
    """Counts of one read: `rows` counts kept rows, `bytes` the size of decoded bodies, and `waited` is in seconds.

    `duplicates` counts rows that were read more than once, and `moved` the pages that were read again because rows had
    moved or were missing. `unsettled` counts the lists whose rows moved so that some may be hidden: what was read then
    is not recorded as read. `filtered` counts the rows that `record_filter` left out. `outside` counts the rows that
    belong to no window of the run, and with them `before_start` and `after_end` those from before the first and after
    the last of all windows. `keys` counts the distinct keys that
    were read, kept or not. `source_rows` is the total number of rows if the API reports it. `not_available` describes
    the response that says that this account does not have the resource. `clock_lag` is the largest number of seconds
    by which the clock of the API was behind ours. `rejected` counts the rows that were set aside because they cannot
    be placed. `parents_without_key` counts the rows of the parent for which nothing could be requested. `untyped` names
    the columns that are text or json although they are declared with another type.
    """

    rows: int = 0
    pages: int = 0
    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    bytes: int = 0
    duplicates: int = 0
    moved: int = 0
    unsettled: int = 0
    outside: int = 0
    before_start: int = 0
    after_end: int = 0
    without_cursor: int = 0
    ignored: int = 0
    filtered: int = 0
    not_available: str = ""
    missing_rows: int = 0
    rejected: int = 0
    parents_without_key: int = 0
    keys: int = 0
    source_rows: int | None = None
    clock_lag: float = field(default=0.0, metadata={"join": max})
    drift: dict[str, str] = field(default_factory=dict)
    missing_fields: list[str] = field(default_factory=list)
    untyped: list[str] = field(default_factory=list)

    def add(self, other: "ReadStats") -> None:
        """Add another read's counts to these."""
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            if theirs is not None:
                setattr(self, item.name, theirs if mine is None else item.metadata.get("join", _sum)(mine, theirs))


def _sum(mine: Any, theirs: Any) -> Any:
    either = {**mine, **theirs} if isinstance(mine, dict) else mine or theirs
    return either if isinstance(mine, dict | str) else mine + theirs
