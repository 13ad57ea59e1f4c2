"""How an API writes a timestamp: text with or without a time zone, or seconds since 1970."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
UNITS = {"epoch_seconds": timedelta(seconds=1), "epoch_milliseconds": timedelta(milliseconds=1)}
PLAIN_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{8}")
TOO_LARGE = 10**15


@dataclass(frozen=True, kw_only=True)
class TimestampFormat:
    """Reads cursor values as aware UTC timestamps and writes timestamps as request parameters.

    Args:
        format: a strftime pattern in UTC, ``epoch_seconds`` or ``epoch_milliseconds``.
        granularity: the smallest time difference that the API's filter and cursor can express. A change within one
            such step may carry the timestamp at which the step began.

    Text is read as ISO 8601 whatever ``format`` is: with ``Z``, an offset or neither (then it is UTC), 0 to 9
    fraction digits (truncated to microseconds), or a plain date (midnight). Other text is parsed with
    ``format``. A number counts seconds unless ``format`` is ``epoch_milliseconds``. Text that consists of digits is
    read as a number only with an epoch format.
    """

    format: str = "%Y-%m-%dT%H:%M:%SZ"
    granularity: timedelta = timedelta(seconds=1)

    def __post_init__(self) -> None:
        """Refuse a granularity that is not positive or that the format cannot write."""
        if self.granularity <= timedelta(0):
            raise ValueError(f"TimestampFormat: granularity is {self.granularity}; it must be longer than zero")
        one_step = EPOCH + self.granularity
        try:
            distinct = self._written(self.encode(one_step)) == one_step
        except ValueError as error:
            raise ValueError(f"TimestampFormat: format {self.format!r} cannot be read back: {error}") from error
        if not distinct:
            raise ValueError(
                f"TimestampFormat: format {self.format!r} cannot write a granularity of {self.granularity}: set the "
                "granularity of the API, such as granularity=timedelta(days=1) with '%Y-%m-%d'"
            )

    def decode(self, value: Any) -> datetime:
        """Read one cursor value.

        Raises:
            ValueError: the value is not a timestamp in a form that this format reads.
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
            raise ValueError(f"{value!r} is not a timestamp") from error

    def encode(self, timestamp: datetime) -> str | int:
        """Write a timestamp as a request parameter; parts that the format does not write are dropped."""
        timestamp = timestamp.astimezone(UTC)
        unit = UNITS.get(self.format)
        return timestamp.strftime(self.format) if unit is None else (timestamp - EPOCH) // unit

    def resolution(self, value: Any) -> timedelta:
        """Return the span of time that a cursor value stands for: a day for a plain date, else the granularity."""
        plain = isinstance(value, str) and PLAIN_DATE.fullmatch(value.strip())
        return max(DAY, self.granularity) if plain else self.granularity

    def floor(self, timestamp: datetime) -> datetime:
        """Round down to the granularity."""
        return timestamp - (timestamp - EPOCH) % self.granularity

    def ceil(self, timestamp: datetime) -> datetime:
        """Round up to the granularity."""
        return timestamp + (EPOCH - timestamp) % self.granularity

    def _from_text(self, text: str) -> datetime:
        # Without this check, Python reads 1711111112222 as the year 1711.
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
        if not abs(number) < TOO_LARGE:
            raise ValueError(f"{value!r} is too large for a date")
        unit = UNITS.get(self.format, UNITS["epoch_seconds"])
        return EPOCH + timedelta(microseconds=int(number * (unit // timedelta(microseconds=1))))


def _in_utc(timestamp: datetime) -> datetime:
    return timestamp.replace(tzinfo=UTC) if timestamp.tzinfo is None else timestamp.astimezone(UTC)
