"""The task of all programs: which orders, which windows, which page size. Every peer can import this."""

from datetime import UTC, datetime, timedelta

WINDOWS = 36
STEP = "P30D"
START = datetime(2022, 1, 1, tzinfo=UTC)
END = START + WINDOWS * timedelta(days=30)  # in the past, so that every window is complete
FORMAT = "%Y-%m-%dT%H:%M:%S"
PAGE = 100
SORTED = {"order": "asc", "orderby": "id", "dates_are_gmt": "true"}
USER, PASSWORD = "bench-key", "bench-secret"


def bounds(start: datetime = START, end: datetime = END) -> dict[str, str]:
    """Return the parameters that request changes from `start` to `end`, exclusive; both parameters are exclusive."""
    before_start = start - timedelta(seconds=1)
    return {"modified_after": before_start.strftime(FORMAT), "modified_before": end.strftime(FORMAT)}


def last_change(number: int, rows: int) -> datetime:
    """Return when the order with this number, counted from 0, was last changed."""
    return START + timedelta(seconds=number * int((END - START).total_seconds()) // rows)
