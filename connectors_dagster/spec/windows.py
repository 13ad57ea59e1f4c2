"""Half-open windows of time, with the length of an ISO 8601 step, from a start date onward."""

import re
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise

from connectors_dagster.spec.timestamps import TimestampFormat

BY_SECOND = TimestampFormat()
SHORTEST_MONTH = timedelta(days=28)
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)  # later timestamps mean that there is no time
MAX_WINDOWS = 100_000  # the maximum per asset that Dagster's documentation recommends
STEP = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


@dataclass(frozen=True, order=True)
class Window:
    """A span of time that includes its start and excludes its end; both are aware and in UTC."""

    start: datetime
    end: datetime

    @property
    def key(self) -> str:
        """The partition key: the start as a date, with the time of day unless it is midnight."""
        return _key(self.start)

    def cut(self, step: str) -> "list[Window]":
        """Cut the window into parts of a step, from its start; the last may be shorter."""
        months, rest = _months_and_rest(step, "step")
        edges = [self.start]
        while edges[-1] < self.end:
            edges.append(min(self.end, _plus_months(self.start, months * len(edges)) + rest * len(edges)))
        return [Window(start, end) for start, end in pairwise(edges)]


@dataclass(frozen=True, kw_only=True)
class Extent:
    """All windows at the time of a read: from the `start` of the first to the `end` of the last one that has started.

    Rows from before `settled` do not change any more.
    """

    start: datetime
    end: datetime
    settled: datetime


@dataclass(frozen=True, order=True)
class Slice:
    """The part of a window that one run reads: from `since`; everything before `until` is then recorded as read.

    `first` is true if the slice starts where the first of all windows starts. `extent` describes all windows; None if
    that is not known. `unfiltered` asks for a read without the filter of the API. `after` has the ids of the loads that
    brought what is before `since`.
    """

    window: Window
    since: datetime
    until: datetime
    first: bool = False
    extent: Extent | None = field(default=None, compare=False)
    unfiltered: bool = field(default=False, compare=False)
    after: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def complete(self) -> bool:
        """Whether the window is read to its end, so that it need not be read again."""
        return self.until >= self.window.end

    def trial(self) -> "Slice":
        """Return a copy that records nothing as read."""
        return replace(self, until=self.window.start)

    def behind(self, lag: timedelta, timestamps: TimestampFormat) -> "Slice":
        """Return a copy that records less as read, because the clock of the API is behind ours."""
        if self.extent is None:
            return self
        settled = timestamps.settled(self.extent.settled - lag)
        return replace(self, until=max(self.window.start, min(self.until, settled)))

    def claimed(self, *, settled: bool) -> "Slice":
        """Return a copy that records the slice as read, or nothing new if moved rows may have hidden others."""
        return self if settled else replace(self, until=min(self.since, self.until))

    def parts(self, step: str) -> "list[Slice]":
        """Cut the slice into slices of a step, of which each is requested on its own."""
        return [
            replace(
                self,
                window=part,
                since=max(part.start, self.since),
                until=max(part.start, min(part.end, self.until)),
                first=self.first and part.start == self.window.start,
            )
            for part in self.window.cut(step)
            if part.end > self.since
        ]

    def resumed(self, reached: datetime, *, lookback: timedelta, after: Iterable[str] = ()) -> "Slice":
        """Return a copy that resumes where an earlier read ended, less the lookback; its loads have the ids `after`."""
        since = max(self.window.start, min(reached - lookback, self.window.end))
        whole = since == self.window.start
        return replace(self, since=since, first=self.first and whole, after=frozenset(() if whole else after))


@dataclass(frozen=True)
class WindowGrid:
    """All windows of one step length from a start date onward.

    Args:
        step: ISO 8601 duration such as ``P30D``, ``P1M`` or ``PT6H``.
        start: ISO 8601 date or time in whole seconds; UTC if it has no time zone.
    """

    step: str
    start: str

    def __post_init__(self) -> None:
        """Refuse a step or a start date from which no windows can be computed."""
        if shortest(self.step) <= timedelta(0):
            raise ValueError(f"step {self.step!r} must be longer than zero: use an ISO 8601 duration such as P30D")
        if self._first.microsecond:
            raise ValueError(f"start date {self.start!r} has a fraction of a second: use whole seconds")

    @property
    def name(self) -> str:
        """The name of the partition set of these windows."""
        return f"windows_{self.step}_from_{_key(self._first)}"

    def opened(self, now: datetime) -> list[Window]:
        """List the windows that have started by `now`, oldest first.

        Raises:
            ValueError: there are more than `MAX_WINDOWS`.
        """
        count = self._started(now)
        if count > MAX_WINDOWS:
            raise ValueError(
                f"{self.name} has {count} windows, more than {MAX_WINDOWS}: use a longer step or a later start date"
            )
        edges = [self._edge(index) for index in range(count + 1)]
        return [Window(start, end) for start, end in pairwise(edges)]

    def whole(self, now: datetime) -> Slice:
        """Return all windows that have started by `now` as one slice, which records nothing as read."""
        start = self._first
        return Slice(Window(start, self._edge(self._started(now))), start, start, first=True)

    def find(self, key: str) -> Window:
        """Return the window of a partition key.

        Raises:
            ValueError: no window of this grid starts there.
        """
        start = _parse(key, what="window key")
        index = self._started(start) - 1
        if index < 0 or self._edge(index) != start:
            raise ValueError(
                f"{key!r} is not a window start: {self.name} has a window every {self.step} from {self.start}"
            )
        return Window(start, self._edge(index + 1))

    def slices(
        self, windows: list[Window], *, now: datetime, lookback: timedelta, timestamps: TimestampFormat = BY_SECOND
    ) -> list[Slice]:
        """Make slices that read windows from their start and record as read what is older than `now` less `lookback`.

        `timestamps` says how exact the cursors are, see `TimestampFormat.settled`.
        """
        settled = timestamps.settled(now - lookback)
        extent = Extent(start=self._first, end=self._edge(self._started(now)), settled=settled)
        return [
            Slice(w, w.start, max(w.start, min(w.end, settled)), first=w.start == self._first, extent=extent)
            for w in sorted(windows)
        ]

    @cached_property
    def _first(self) -> datetime:
        return _parse(self.start, what="start date")

    @cached_property
    def _length(self) -> tuple[int, timedelta]:
        """The step as months, which differ in length, and the rest."""
        return _months_and_rest(self.step, "step")

    def _started(self, now: datetime) -> int:
        """Count the windows that have started by `now`."""
        most = max(0, (now - self._first) // shortest(self.step) + 1)
        return bisect_right(range(most), now, key=self._edge)

    def _edge(self, index: int) -> datetime:
        # Computed from the first start: adding months one by one would drift from the 31st to the 28th.
        months, rest = self._length
        try:
            return _plus_months(self._first, months * index) + rest * index
        except (OverflowError, ValueError):
            return END_OF_TIME


def describe_windows(windows: Iterable[Window]) -> str:
    """Return the keys of windows in order; neighbouring ones become a range such as ``2024-01-01 to 2024-03-31``."""
    runs: list[list[Window]] = []
    for window in sorted(windows):
        if runs and runs[-1][-1].end == window.start:
            runs[-1].append(window)
        else:
            runs.append([window])
    return ", ".join(run[0].key if len(run) == 1 else f"{run[0].key} to {run[-1].key}" for run in runs)


def shortest(duration: str, *, what: str = "step") -> timedelta:
    """Return the shortest time that an ISO 8601 duration can be; months differ in length.

    Raises:
        ValueError: the text is not a duration.
    """
    months, rest = _months_and_rest(duration, what)
    return months * SHORTEST_MONTH + rest


def _plus_months(timestamp: datetime, months: int) -> datetime:
    """Add months; if the month is too short, return its last day."""
    if not months:
        return timestamp
    year, month = divmod(timestamp.year * 12 + timestamp.month - 1 + months, 12)
    return timestamp.replace(year=year, month=month + 1, day=min(timestamp.day, monthrange(year, month + 1)[1]))


def _months_and_rest(step: str, what: str) -> tuple[int, timedelta]:
    found = STEP.fullmatch(step)
    if not found:
        raise ValueError(f"{what} {step!r} is not an ISO 8601 duration: use for example P30D, P1M or PT6H")
    parts = {unit: int(count) for unit, count in found.groupdict(default="0").items()}
    months = 12 * parts.pop("years") + parts.pop("months")
    try:
        rest = timedelta(**parts)
        _ = months * SHORTEST_MONTH + rest
    except OverflowError as error:
        raise ValueError(f"{what} {step!r} is too long for a calendar date: use a shorter one") from error
    return months, rest


def _parse(text: str, *, what: str) -> datetime:
    try:
        timestamp = datetime.fromisoformat(text)
        return timestamp.replace(tzinfo=UTC) if timestamp.tzinfo is None else timestamp.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{what} {text!r} is not an ISO 8601 date: use for example 2024-01-01") from error


def _key(timestamp: datetime) -> str:
    midnight = timestamp == timestamp.replace(hour=0, minute=0, second=0, microsecond=0)
    return timestamp.date().isoformat() if midnight else timestamp.strftime("%Y-%m-%dT%H:%M:%S")
