"""How far the clock of an API is behind ours, as the Date header of its responses says."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
PRECISION = timedelta(seconds=2)
"""Smaller differences mean nothing, because the header has whole seconds."""
LONGEST_LAG = timedelta(days=31)
"""A header that is further behind is not a clock. It is believed this far, so that old windows can be completed."""


def lag_behind(sent: datetime, headers: Mapping[str, str]) -> timedelta:
    """Return how far the clock of an API is behind.

    Args:
        sent: when the request was sent, by our clock.
        headers: the headers of the response. `Age` is how many seconds ago a cache received it.
    """
    dates = [date for text in HTTP_DATE.findall(headers.get("Date", "")) if (date := _parse(text))]
    age = headers.get("Age", "0").strip()
    if not dates:
        return timedelta(0)
    cached = min(timedelta(seconds=int(age)), LONGEST_LAG) if re.fullmatch(r"\d{1,9}", age) else timedelta(0)
    lag = sent - min(dates) - cached
    return min(lag, LONGEST_LAG) if lag > PRECISION else timedelta(0)


def _parse(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        return None
