"""How an API writes an instant: text with or without a zone, or seconds since 1970."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
UNITS = {"epoch_seconds": timedelta(seconds=1), "epoch_milliseconds": timedelta(milliseconds=1)}
PLAIN_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{8}")
BEYOND_ALL_YEARS = 10**15


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Reads cursor values as aware UTC instants and writes instants as request parameters.

    Args:
        format: a strftime pattern in UTC, ``epoch_seconds`` or ``epoch_milliseconds``.
        tick: the smallest step the API tells apart, in a filter or in a cursor: whatever happens within a tick
            may carry the instant the tick began at.

    Text is read as ISO 8601 whatever ``format`` says: with ``Z``, an offset or none (then it is UTC),
    0 to 9 fraction digits (cut to microseconds), or a plain date (its first instant); else as ``format`` writes
    it. A number counts seconds unless ``format`` says milliseconds; as text it is read with an epoch format only.
    """

    format: str = "%Y-%m-%dT%H:%M:%SZ"
    tick: timedelta = timedelta(seconds=1)

    def __post_init__(self) -> None:
        """Refuse a tick that cannot move a bound, and a format that would cut a bound short of a tick."""
        if self.tick <= timedelta(0):
            raise ValueError(f"Clock: tick is {self.tick}, it must be longer than zero")
        second_tick = EPOCH + self.tick
        try:
            told_apart = self._written(self.encode(second_tick)) == second_tick
        except ValueError as error:
            raise ValueError(f"Clock: format {self.format!r} cannot be read back: {error}") from error
        if not told_apart:
            raise ValueError(
                f"Clock: format {self.format!r} cannot write a tick of {self.tick}: "
                "give the tick the API tells apart, such as tick=timedelta(days=1) with '%Y-%m-%d'"
            )

    def decode(self, value: Any) -> datetime:
        """Read one cursor value.

        Raises:
            ValueError: the value is no instant in any form this clock knows.
        """
        try:
            if isinstance(value, str):
                return self._from_text(value.strip().upper())
            if isinstance(value, datetime):
                return _in_utc(value)
            if isinstance(value, date):
                return datetime(value.year, value.month, value.day, tzinfo=UTC)
            return self._from_epoch(value)
        except (ValueError, OverflowError, InvalidOperation) as error:
            raise ValueError(f"{value!r} is no instant") from error

    def encode(self, instant: datetime) -> str | int:
        """Write an instant as a request parameter; a part smaller than the format can say is cut off."""
        instant = instant.astimezone(UTC)
        unit = UNITS.get(self.format)
        return instant.strftime(self.format) if unit is None else (instant - EPOCH) // unit

    def grain(self, value: Any) -> timedelta:
        """Tell how long a stretch of time a cursor value may stand for: a day for a plain date, else a tick."""
        plain = isinstance(value, str) and PLAIN_DATE.fullmatch(value.strip())
        return max(DAY, self.tick) if plain else self.tick

    def floor(self, instant: datetime) -> datetime:
        """Round down to a tick."""
        return instant - (instant - EPOCH) % self.tick

    def ceil(self, instant: datetime) -> datetime:
        """Round up to a tick."""
        return instant + (EPOCH - instant) % self.tick

    def _from_text(self, text: str) -> datetime:
        # Left to itself, Python reads 1711111112222 as the year 1711.
        if text.isdigit() and (self.format in UNITS or not PLAIN_DATE.fullmatch(text)):
            return self._written(text)
        try:
            return _in_utc(datetime.fromisoformat(text))
        except ValueError:
            return self._written(text)

    def _written(self, value: str | int) -> datetime:
        """Read what `encode` writes."""
        if self.format in UNITS:
            return self._from_epoch(value)
        return _in_utc(datetime.strptime(str(value), self.format))

    def _from_epoch(self, value: Any) -> datetime:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise ValueError(f"{value!r} is neither text nor a number")
        number = Decimal(str(value))
        if not abs(number) < BEYOND_ALL_YEARS:
            raise ValueError(f"{value!r} is beyond all years")
        unit = UNITS.get(self.format, UNITS["epoch_seconds"])
        return EPOCH + timedelta(microseconds=int(number * (unit // timedelta(microseconds=1))))


def _in_utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
