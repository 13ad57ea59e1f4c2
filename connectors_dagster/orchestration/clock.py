"""What time it is: asked here and nowhere else, so that a test can say when it takes place."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, aware and in UTC."""
    return datetime.now(UTC)
