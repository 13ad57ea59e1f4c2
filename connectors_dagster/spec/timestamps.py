"""How an API writes a timestamp: text with or without a time zone, or seconds since 1970."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from connectors_dagster.spec.iso_8601 import parse_iso_8601
from connectors_dagster.spec.suggestion import suggest
from connectors_dagster.spec.time_zone import LOCAL_EPOCH, TimeZone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY, LONGEST_DAY = timedelta(days=1), timedelta(hours=25)
MICROSECOND = timedelta(microseconds=1)
UNITS = {
    "epoch_seconds": Decimal(10**6),
    "epoch_milliseconds": Decimal(10**3),
    "epoch_microseconds": Decimal(1),
    "epoch_nanoseconds": Decimal("0.001"),
}
"""The microseconds in a unit of the formats that are numbers."""
MILLISECONDS = "%_ms"
PLAIN_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{8}")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
DATE_IN_DIGITS = re.compile(r"(?:19|2\d)\d{6}(?:\d{4}(?:\d\d)?)?")
YEAR_OF_NO_TIME = re.compile(r"(?:000[01]|9999)-?\d\d-?\d\d")
LITERAL_UTC = re.compile(r"((?<!%)Z|[+-]00:?00|GMT|UTC)$")
DROPPED = re.compile(r"[.,]\d{6}(\d{1,12})")
TOO_LARGE = 10**20


def to_microseconds(timestamp: datetime) -> int:
    """Return a timestamp as microseconds since 1970."""
    return (timestamp - EPOCH) // MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Return the timestamp of a number of microseconds since 1970, in UTC."""
    return EPOCH + count * MICROSECOND


@dataclass(frozen=True, kw_only=True)
class TimestampFormat:
    """Reads cursor values as aware UTC timestamps and writes timestamps as request parameters.

    Text is read as ISO 8601 whatever ``format`` is: with ``Z``, ``UTC``, an offset or none (then in ``timezone``),
    0 to 9 fraction digits (truncated to microseconds), or a plain date (midnight). Other text is parsed with
    ``format``. A number counts seconds unless ``format`` names another unit. Text that is a number is read as one
    only with such a format; without, a number such as 20240101 is read as the date that its digits are.

    Args:
        format: a strftime pattern, in which ``%_ms`` is milliseconds with three digits, or ``epoch_seconds``,
            ``epoch_milliseconds``, ``epoch_microseconds`` or ``epoch_nanoseconds``.
        granularity: the smallest time difference that the API's filter and cursor can express. A change within one
            such step may carry the timestamp at which the step began.
        timezone: the IANA name of the time zone of timestamps that have none, in rows and in parameters. Without a
            name it is UTC, and if bounds are dates, a day more is requested at each end. A local time that occurs
            twice is read as the first of the two, one that clocks skip with the offset before.
        zero: values that mean "no time", such as ``1970-01-01``. The years 0, 1 and 9999 always do.
    """

    format: str = "%Y-%m-%dT%H:%M:%SZ"
    granularity: timedelta = timedelta(seconds=1)
    timezone: str = "UTC"
    zero: tuple[str | int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an unknown time zone, and a granularity that is not positive or that the format cannot write."""
        try:
            _ = self.zone.rules
        except ValueError as error:
            raise ValueError(f"TimestampFormat: timezone {error}: use for example 'Europe/Amsterdam'") from error
        if self.timezone != "UTC" and (utc := LITERAL_UTC.search(self.format)):
            raise ValueError(
                f"TimestampFormat: format {self.format!r} ends in {utc[0]}, which is UTC, but timezone is "
                f"{self.timezone!r}: leave out the {utc[0]}, or write the offset with %z"
            )
        if self.granularity <= timedelta(0):
            raise ValueError(f"TimestampFormat: granularity is {self.granularity}; it must be longer than zero")
        if self.format not in UNITS and "%" not in self.format:
            raise ValueError(f"TimestampFormat: format {self.format!r} writes no time; {suggest(self.format, UNITS)}")
        if self.format not in UNITS and (other := _day_and_month_swapped(self.format)):
            raise ValueError(
                f"TimestampFormat: format {self.format!r} writes 5 January as {other}, which is another date in ISO "
                "8601 and would be read as that: declare the column as text, and read the resource without a cursor"
            )
        one_step = self.zone.to_utc(LOCAL_EPOCH + self.granularity)
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
                return self.zone.to_utc(value)
            if isinstance(value, date):
                return self.zone.to_utc(datetime(value.year, value.month, value.day))
            return self._from_number(value)
        except (ValueError, OverflowError, InvalidOperation) as error:
            raise ValueError(f"{value!r} is not a timestamp") from error

    def below_microsecond(self, value: Any) -> int:
        """Return what `decode` drops of a cursor value, in steps of 10⁻¹⁸ s."""
        if isinstance(value, str) and not NUMBER.fullmatch(value.strip()):
            found = DROPPED.search(value)
            return int(found[1].ljust(12, "0")) if found else 0
        try:
            count = Decimal(str(value)) * UNITS.get(self.format, UNITS["epoch_seconds"])
            return int(count % 1 * 10**12)
        except InvalidOperation:
            return 0

    def encode(self, timestamp: datetime) -> str | int:
        """Write a timestamp as a request parameter; parts that the format does not write are dropped."""
        unit = UNITS.get(self.format)
        if unit is None:
            local = timestamp.astimezone(self.zone.rules)
            return local.strftime(self.format.replace(MILLISECONDS, f"{local.microsecond // 1000:03}"))
        return int(to_microseconds(timestamp) // unit)

    def is_no_time(self, value: Any) -> bool:
        """Tell whether a value says that there is no time: year 0, 1 or 9999, or what is declared as `zero`."""
        try:
            timestamp = self.decode(value)
        except ValueError:
            return value in self.zero or (isinstance(value, str) and bool(YEAR_OF_NO_TIME.match(value.strip())))
        return timestamp.year in (1, 9999) or timestamp in self.zero_timestamps

    def settled(self, timestamp: datetime) -> datetime:
        """Return the time before which cursors are final, if the API shows all changes up to `timestamp`.

        A change that comes later in the same step of the granularity may still get the timestamp at which the step
        began, and in an hour that occurs twice, the local time of the first of the two.
        """
        return self.floor(timestamp - 2 * self.zone.repeated(timestamp))

    @cached_property
    def zone(self) -> TimeZone:
        """The time zone of timestamps that have none."""
        return TimeZone(self.timezone)

    @cached_property
    def zero_timestamps(self) -> frozenset[datetime]:
        """The values declared as `zero` that are timestamps."""
        return frozenset(found for value in self.zero if (found := self._decoded(value)))

    @cached_property
    def in_utc(self) -> "TimestampFormat":
        """The same format with UTC for timestamps without a time zone."""
        return self if self.timezone == "UTC" else replace(self, timezone="UTC")

    def resolution(self, value: Any) -> timedelta:
        """Return the span of time that a cursor value stands for: a day for a plain date, else the granularity."""
        plain = isinstance(value, str | int) and PLAIN_DATE.fullmatch(str(value).strip())
        day = DAY if self.timezone == "UTC" else LONGEST_DAY
        return max(day, self.granularity) if plain else self.granularity

    def floor(self, timestamp: datetime) -> datetime:
        """Round down to the granularity, in local time."""
        return self.zone.floor(timestamp, self.granularity)

    def ceil(self, timestamp: datetime) -> datetime:
        """Round up to the granularity, in local time."""
        return self.zone.ceil(timestamp, self.granularity)

    def _decoded(self, value: Any) -> datetime | None:
        try:
            return self.decode(value)
        except ValueError:
            return None

    def _from_text(self, text: str) -> datetime:
        # Without this check, Python reads 1711111112222 and 1711111112222.5 as the year 1711.
        if NUMBER.fullmatch(text) and (self.format in UNITS or not PLAIN_DATE.fullmatch(text)):
            return self._written(text)
        try:
            return self.zone.to_utc(parse_iso_8601(text))
        except ValueError:
            return self._written(text)

    def _from_number(self, value: Any) -> datetime:
        # 20240101 is a date to people; as seconds it would be in August 1970.
        if self.format not in UNITS and isinstance(value, int | float) and DATE_IN_DIGITS.fullmatch(f"{value:.15g}"):
            return self._from_text(f"{value:.15g}")
        return self._from_epoch(value)

    def _written(self, value: str | int) -> datetime:
        """Read what `encode` writes."""
        if self.format in UNITS:
            return self._from_epoch(value)
        return self.zone.to_utc(datetime.strptime(str(value), self.format.replace(MILLISECONDS, "%f")))

    def _from_epoch(self, value: Any) -> datetime:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise ValueError(f"{value!r} is neither text nor a number")
        number = Decimal(str(value))
        if not abs(number) < TOO_LARGE:
            raise ValueError(f"{value!r} is too large for a date")
        if self.format in UNITS and _is_date(number):
            raise ValueError(f"{value!r} is a date to people, but would be in 1970")
        return from_microseconds(int(number * UNITS.get(self.format, UNITS["epoch_seconds"])))


def _day_and_month_swapped(pattern: str) -> str | None:
    """Return how a pattern writes a date if that is another date in ISO 8601."""
    written = datetime(2024, 1, 5, tzinfo=UTC).strftime(pattern.replace(MILLISECONDS, "000"))
    try:
        return written if parse_iso_8601(written).month == 5 else None
    except ValueError:
        return None


def _is_date(number: Decimal) -> bool:
    """Tell whether the eight digits of a number are a date since 1900, such as 20240101."""
    try:
        return 19_000_000 <= number < 30_000_000 and bool(datetime.strptime(f"{number.normalize():f}", "%Y%m%d"))
    except ValueError:
        return False
