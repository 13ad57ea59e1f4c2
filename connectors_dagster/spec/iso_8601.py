"""Timestamps in ISO 8601, including the forms that Python does not read or misreads."""

import re
from datetime import datetime, timedelta

DATE_WITH_OFFSET = re.compile(r"(\d{4}-\d\d-\d\d)(Z|[+-]\d\d(?::?\d\d)?)")
END_OF_DAY = re.compile(r"(?<=\d[T ])24(?=:?00(?::?00(?:[.,]0+)?)?(?:Z|[+-]|$))")
LEAP_SECOND = re.compile(r"(?<=:\d\d:)60(?!\d)")

UTC_BY_NAME = re.compile(r" ?(?:UTC|GMT)$")
BLANK_BEFORE_OFFSET = re.compile(r"(?<=\d) (?=[+-]\d\d:?\d\d$)")
"""As Ruby and Python write a zone: ``2024-05-01 12:00:00 UTC``, ``2024-05-01 12:00:00 +0200``."""


def parse_iso_8601(text: str) -> datetime:
    """Parse a date or a timestamp. 24:00 and 23:59:60 are the next midnight.

    Raises:
        ValueError: the text is neither.
    """
    text = BLANK_BEFORE_OFFSET.sub("", UTC_BY_NAME.sub("Z", text))
    if END_OF_DAY.search(text):
        return datetime.fromisoformat(END_OF_DAY.sub("00", text)) + timedelta(days=1)
    if LEAP_SECOND.search(text):
        return datetime.fromisoformat(LEAP_SECOND.sub("59", text)) + timedelta(seconds=1)
    if found := DATE_WITH_OFFSET.fullmatch(text):  # Python reads the offset as the time of day
        text = f"{found[1]}T00:00{found[2]}"
    return datetime.fromisoformat(text)
