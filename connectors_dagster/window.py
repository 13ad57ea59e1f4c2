"""When a resource is read: half-open windows cut from a start date by an ISO 8601 step."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pendulum


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
    """What one run reads of a window: from `since`, and with everything up to `until` claimed as read."""

    window: Window
    since: datetime
    until: datetime

    @property
    def complete(self) -> bool:
        """Whether the window needs no further read."""
        return self.until >= self.window.end


@dataclass(frozen=True)
class WindowGrid:
    """All windows of a step from a start date on.

    Args:
        step: ISO 8601 duration such as ``P30D``, ``P1M`` or ``PT6H``.
        start: ISO 8601 date or time; UTC when it names no zone.
    """

    step: str
    start: str

    def __post_init__(self) -> None:
        """Refuse a step or a start that cuts no windows."""
        if next(self._edges()) >= self._edge(1):
            raise ValueError(f"step {self.step!r} does not move forward: give an ISO 8601 duration such as P30D")

    @property
    def name(self) -> str:
        """The name of the partition set these windows form."""
        return f"windows_{self.step}_from_{_key(self._edge(0))}"

    def opened(self, now: datetime) -> list[Window]:
        """List the windows that have begun by `now`, oldest first."""
        return list(_opened(self, now))

    def find(self, key: str) -> Window:
        """Return the window of a partition key.

        Raises:
            ValueError: no window of this grid starts there.
        """
        start = _instant(key, what="window key")
        for window in _opened(self, start):
            if window.start == start:
                return window
        raise ValueError(f"{key!r} is no window of {self.name}: windows start every {self.step} from {self.start}")

    def slices(self, windows: list[Window], *, now: datetime, settle_lag: timedelta) -> list[Slice]:
        """Read windows from their start and claim what had settled by `now`."""
        return [Slice(w, w.start, max(w.start, min(w.end, now - settle_lag))) for w in sorted(windows)]

    def _edges(self) -> Iterator[datetime]:
        index = 0
        while True:
            yield self._edge(index)
            index += 1

    def _edge(self, index: int) -> datetime:
        # From the start each time: adding a month to a month would drift from the 31st to the 28th.
        return _utc(pendulum.instance(_instant(self.start, what="start date")) + _duration(self.step) * index)


@lru_cache(maxsize=64)
def _opened(grid: WindowGrid, now: datetime) -> tuple[Window, ...]:
    windows, edges = [], grid._edges()
    start = next(edges)
    while start <= now:
        end = next(edges)
        windows.append(Window(start, end))
        start = end
    return tuple(windows)


def _duration(step: str) -> pendulum.Duration:
    try:
        duration = pendulum.parse(step)
    except ValueError as error:
        raise ValueError(f"step {step!r} is no ISO 8601 duration: use for example P30D, P1M or PT6H") from error
    if not isinstance(duration, pendulum.Duration):
        raise ValueError(f"step {step!r} is no ISO 8601 duration: use for example P30D, P1M or PT6H")
    return duration


def _instant(text: str, *, what: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{what} {text!r} is no ISO 8601 date: write it like 2024-01-01") from error
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _utc(instant: pendulum.DateTime) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=round(instant.timestamp() * 1_000_000))


def _key(instant: datetime) -> str:
    midnight = instant == instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return instant.date().isoformat() if midnight else instant.strftime("%Y-%m-%dT%H:%M:%S")
