"""The current time. Nothing else in this room reads it, so that a test can set it."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time, with time zone UTC."""
    return datetime.now(UTC)
