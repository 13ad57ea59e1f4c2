"""Durations in ISO 8601, of which months and years have no fixed length."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta

NUMBER = r"(\d+(?:[.,]\d+)?)"
DURATION = re.compile(
    rf"([+-])?P(?!$)(?:{NUMBER}Y)?(?:{NUMBER}M)?(?:{NUMBER}W)?(?:{NUMBER}D)?"
    rf"(?:T(?!$)(?:{NUMBER}H)?(?:{NUMBER}M)?(?:{NUMBER}S)?)?"
)


@dataclass(frozen=True)
class Months:
    """A number of months and a time, to be added to a timestamp or subtracted from it."""

    months: int
    rest: timedelta

    def __radd__(self, timestamp: datetime) -> datetime:
        """Add the months; if the month is too short, take its last day. Then add the rest."""
        year, month = divmod(timestamp.year * 12 + timestamp.month - 1 + self.months, 12)
        day = min(timestamp.day, monthrange(year, month + 1)[1])
        return timestamp.replace(year=year, month=month + 1, day=day) + self.rest

    def __rsub__(self, timestamp: datetime) -> datetime:
        """Subtract."""
        return timestamp + Months(-self.months, -self.rest)


def parse_duration(text: str) -> timedelta | Months:
    """Read a duration such as ``P30D`` or ``P1M``.

    Raises:
        ValueError: the text is none.
    """
    found = DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not an ISO 8601 duration, such as P30D")
    sign = -1 if found[1] == "-" else 1
    years, months, weeks, days, hours, minutes, seconds = (
        sign * float((part or "0").replace(",", ".")) for part in found.groups()[1:]
    )
    rest = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    whole = years * 12 + months
    if whole != int(whole):
        raise ValueError(f"{text!r} has a fraction of a month, which has no fixed length")
    return Months(int(whole), rest) if whole else rest
