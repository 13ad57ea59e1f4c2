"""A time zone: which moments its local times mean, also on days on which clocks go forward or back."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo

LOCAL_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class TimeZone:
    """A time zone by its IANA name.

    A local time that occurs twice, when clocks go back, is read as the first of the two. A local time that clocks
    skip is read with the offset before the change.
    """

    name: str

    @cached_property
    def rules(self) -> tzinfo:
        """The offsets of this time zone.

        Raises:
            ValueError: there is no such time zone.
        """
        if self.name == "UTC":
            return UTC
        try:
            return ZoneInfo(self.name)
        except (KeyError, OSError, ValueError) as error:
            raise ValueError(f"{self.name!r} is not an IANA time zone") from error

    def to_utc(self, timestamp: datetime) -> datetime:
        """Return a timestamp in UTC; without an offset it is a local time."""
        return (timestamp.replace(tzinfo=self.rules) if timestamp.tzinfo is None else timestamp).astimezone(UTC)

    def to_local(self, timestamp: datetime) -> datetime:
        """Return the local time, without an offset."""
        return timestamp.astimezone(self.rules).replace(tzinfo=None)

    def floor(self, timestamp: datetime, step: timedelta) -> datetime:
        """Round down to the earliest moment whose local time is the last multiple of a step."""
        local = self.to_local(timestamp)
        return min(self._moments(local - (local - LOCAL_EPOCH) % step))

    def ceil(self, timestamp: datetime, step: timedelta) -> datetime:
        """Round up to the latest moment whose local time is the next multiple of a step."""
        local = self.to_local(timestamp)
        return max(self._moments(local + (LOCAL_EPOCH - local) % step))

    def repeated(self, timestamp: datetime) -> timedelta:
        """Return by how much clocks go back if the local time of a timestamp occurs twice, else zero."""
        first, second = self._moments(self.to_local(timestamp))
        return max(second - first, timedelta(0))

    def _moments(self, local: datetime) -> tuple[datetime, datetime]:
        """Return the moments before and after a change of the clocks that have a local time; else they are equal."""
        first, second = (self.to_utc(local.replace(fold=fold)) for fold in (0, 1))
        return first, second
