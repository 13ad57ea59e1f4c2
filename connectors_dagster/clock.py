"""How an API writes an instant: text with or without a zone, or seconds since 1970."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNITS = {"epoch_seconds": timedelta(seconds=1), "epoch_milliseconds": timedelta(milliseconds=1)}


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Reads cursor values as aware UTC instants and writes instants as request parameters.

    Args:
        format: a strftime pattern in UTC, ``epoch_seconds`` or ``epoch_milliseconds``.
        tick: the smallest step the API tells apart in a filter.

    Text is read as ISO 8601 whatever ``format`` says: with ``Z``, an offset or none (then it is UTC),
    0 to 9 fraction digits (cut to microseconds), or a plain date (its first instant).
    """

    format: str = "%Y-%m-%dT%H:%M:%SZ"
    tick: timedelta = timedelta(seconds=1)

    def __post_init__(self) -> None:
        """Refuse a tick that cannot move a bound."""
        if self.tick <= timedelta(0):
            raise ValueError(f"Clock: tick is {self.tick}, it must be longer than zero")

    def decode(self, value: Any) -> datetime:
        """Read one cursor value.

        Raises:
            ValueError: the value is no instant in any form this clock knows.
        """
        if isinstance(value, str) and self.format not in UNITS:
            instant = datetime.fromisoformat(value)
            return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        if isinstance(value, datetime):
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        return self._from_epoch(value)

    def encode(self, instant: datetime) -> str | int:
        """Write an instant as a request parameter; a part smaller than the format can say is cut off."""
        instant = instant.astimezone(UTC)
        unit = UNITS.get(self.format)
        return instant.strftime(self.format) if unit is None else (instant - EPOCH) // unit

    def floor(self, instant: datetime) -> datetime:
        """Round down to a tick."""
        return instant - (instant - EPOCH) % self.tick

    def ceil(self, instant: datetime) -> datetime:
        """Round up to a tick."""
        return instant + (EPOCH - instant) % self.tick

    def _from_epoch(self, value: Any) -> datetime:
        unit = UNITS.get(self.format, UNITS["epoch_seconds"])
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise ValueError(f"{value!r} is no instant")
        try:
            return EPOCH + timedelta(microseconds=int(Decimal(str(value)) * (unit // timedelta(microseconds=1))))
        except (InvalidOperation, OverflowError) as error:
            raise ValueError(f"{value!r} is no instant") from error
