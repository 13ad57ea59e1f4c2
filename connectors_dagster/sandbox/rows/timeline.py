"""The history of all rows: when each was created and last changed."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import NamedTuple, TypeVar

T = TypeVar("T")

START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)
STEP = timedelta(days=30)
MOST_AGE = timedelta(days=20)
WINDOWS = -((START - END) // STEP)

# Windows with a row exactly at their start, which a wrong comparison would miss.
EDGE_WINDOWS = frozenset({0, 1, 2, 12, 24})

WHOLE_SECONDS = timedelta(seconds=1)
HALF_SECONDS = timedelta(milliseconds=500)

# A fixed offset: the shop writes local times without a time zone next to times in UTC.
SHOP_ZONE = timezone(timedelta(hours=2))


class Life(NamedTuple):
    """When a row was created and last changed."""

    created: datetime
    updated: datetime


def lives(dice: Random, count: int, *, beside: timedelta = WHOLE_SECONDS) -> list[Life]:
    """Draw lives in order of creation; their last changes are spread evenly over all 30-day windows.

    `beside` is the distance between a window edge and the nearest rows; below a second, all times have fractions.
    """
    share = Counter(number * WINDOWS // count for number in range(count))
    changes = [at for window, rows in share.items() for at in _changes(dice, window, rows, beside=beside)]
    return sorted(Life(at - _age(dice, at), at) for at in changes)


def one_by_then(dice: Random, rows: Sequence[T], at: datetime) -> T:
    """Draw one of the rows that existed at that time; `rows` are in order of creation."""
    elapsed = (at - START) / (END - START)
    return rows[dice.randrange(max(1, int(len(rows) * elapsed)))]


def _age(dice: Random, at: datetime) -> timedelta:
    return timedelta(seconds=dice.randrange(int(min(MOST_AGE, at - START).total_seconds()) + 1))


def _changes(dice: Random, window: int, rows: int, *, beside: timedelta) -> list[datetime]:
    opens = START + window * STEP
    length = min(opens + STEP, END) - opens
    changes = [opens + _moment(dice, length, whole=beside >= WHOLE_SECONDS) for _ in range(rows)]
    if window in EDGE_WINDOWS:
        edges = [opens, opens + STEP - beside, opens + beside][:rows]
        changes[: len(edges)] = edges
    return changes


def _moment(dice: Random, length: timedelta, *, whole: bool) -> timedelta:
    seconds = dice.randrange(int(length.total_seconds()))
    return timedelta(seconds=seconds, microseconds=0 if whole else dice.randrange(1_000_000))
