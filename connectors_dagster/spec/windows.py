"""When a resource is read: half-open windows cut from a start date by an ISO 8601 step."""

import re
from bisect import bisect_right
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SHORTEST_MONTH = timedelta(days=28)
END_OF_TIME = datetime.max.replace(microsecond=0, tzinfo=UTC)
MOST_WINDOWS = 100_000  # the most partitions an asset should have, says Dagster's documentation
STEP = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


@dataclass(frozen=True, order=True)
class Window:
    """A stretch of time: holds its start, not its end; both are aware and in UTC."""

    start: datetime
    end: datetime

    @property
    def key(self) -> str:
        """The partition key: the start as a date, with the time of day when there is one."""
        return _key(self.start)


@dataclass(frozen=True, order=True)
class Slice:
    """What one run reads of a window: from `since`, and with everything up to `until` claimed as read.

    `first` tells that it is read from the very start of the first of all windows.
    """

    window: Window
    since: datetime
    until: datetime
    first: bool = False

    @property
    def complete(self) -> bool:
        """Whether the window needs no further read."""
        return self.until >= self.window.end

    def trial(self) -> "Slice":
        """Claim nothing as read."""
        return replace(self, until=self.window.start)

    def resumed(self, reached: datetime, *, lag: timedelta) -> "Slice":
        """Start where an earlier read had reached, less the lag."""
        since = max(self.window.start, min(reached - lag, self.window.end))
        return replace(self, since=since, first=self.first and since == self.window.start)


@dataclass(frozen=True)
class WindowGrid:
    """All windows of a step from a start date on.

    Args:
        step: ISO 8601 duration such as ``P30D``, ``P1M`` or ``PT6H``.
        start: ISO 8601 date or time, to the second; UTC when it names no zone.
    """

    step: str
    start: str

    def __post_init__(self) -> None:
        """Refuse a step or a start that cuts no windows."""
        if self._shortest <= timedelta(0):
            raise ValueError(f"step {self.step!r} does not move forward: give an ISO 8601 duration such as P30D")
        if self._first.microsecond:
            raise ValueError(f"start date {self.start!r} is not on a whole second, as windows are")

    @property
    def name(self) -> str:
        """The name of the partition set these windows form."""
        return f"windows_{self.step}_from_{_key(self._first)}"

    def opened(self, now: datetime) -> list[Window]:
        """List the windows that have begun by `now`, oldest first.

        Raises:
            ValueError: there are more of them than anybody can look at.
        """
        count = self._begun(now)
        if count > MOST_WINDOWS:
            raise ValueError(
                f"{self.name} has {count} windows, more than {MOST_WINDOWS}: take a longer step or a later start"
            )
        edges = [self._edge(index) for index in range(count + 1)]
        return [Window(start, end) for start, end in pairwise(edges)]

    def find(self, key: str) -> Window:
        """Return the window of a partition key.

        Raises:
            ValueError: no window of this grid starts there.
        """
        start = _instant(key, what="window key")
        index = self._begun(start) - 1
        if index < 0 or self._edge(index) != start:
            raise ValueError(f"{key!r} is no window of {self.name}: windows start every {self.step} from {self.start}")
        return Window(start, self._edge(index + 1))

    def slices(
        self, windows: list[Window], *, now: datetime, lookback: timedelta, granularity: timedelta = SECOND
    ) -> list[Slice]:
        """Read windows from their start and claim what had settled by `now`, in whole ticks.

        A change within the running tick may yet get a cursor that is the tick's first instant.
        """
        settled = now - lookback
        settled -= (settled - EPOCH) % granularity
        return [
            Slice(w, w.start, max(w.start, min(w.end, settled)), first=w.start == self._first) for w in sorted(windows)
        ]

    @cached_property
    def _first(self) -> datetime:
        return _instant(self.start, what="start date")

    @cached_property
    def _length(self) -> tuple[int, timedelta]:
        """The step as months, which differ in length, and the rest."""
        return _months_and_rest(self.step)

    @property
    def _shortest(self) -> timedelta:
        months, rest = self._length
        return months * SHORTEST_MONTH + rest

    def _begun(self, now: datetime) -> int:
        """Count the windows that have begun by `now`."""
        most = max(0, (now - self._first) // self._shortest + 1)
        return bisect_right(range(most), now, key=self._edge)

    def _edge(self, index: int) -> datetime:
        # From the start each time: adding a month to a month would drift from the 31st to the 28th.
        months, rest = self._length
        try:
            return _plus_months(self._first, months * index) + rest * index
        except (OverflowError, ValueError):
            return END_OF_TIME


def _plus_months(instant: datetime, months: int) -> datetime:
    """Move by months, to the last day of a month that is too short."""
    if not months:
        return instant
    year, month = divmod(instant.year * 12 + instant.month - 1 + months, 12)
    return instant.replace(year=year, month=month + 1, day=min(instant.day, monthrange(year, month + 1)[1]))


def _months_and_rest(step: str) -> tuple[int, timedelta]:
    found = STEP.fullmatch(step)
    if not found:
        raise ValueError(f"step {step!r} is no ISO 8601 duration: use for example P30D, P1M or PT6H")
    parts = {unit: int(count) for unit, count in found.groupdict(default="0").items()}
    months = 12 * parts.pop("years") + parts.pop("months")
    try:
        return months, timedelta(**parts)
    except OverflowError as error:
        raise ValueError(f"step {step!r} is longer than the calendar") from error


def _instant(text: str, *, what: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{what} {text!r} is no ISO 8601 date: write it like 2024-01-01") from error


def _key(instant: datetime) -> str:
    midnight = instant == instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return instant.date().isoformat() if midnight else instant.strftime("%Y-%m-%dT%H:%M:%S")
