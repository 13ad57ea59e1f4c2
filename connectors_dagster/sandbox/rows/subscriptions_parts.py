"""What all rows of the subscriptions service have in common."""

from datetime import datetime

from connectors_dagster.sandbox.rows.draw import Row
from connectors_dagster.sandbox.rows.timeline import Life


def epoch(at: datetime) -> int:
    """Write a time as seconds since 1970."""
    return int(at.timestamp())


def tracked(life: Life, kind: str) -> Row:
    """Write what every row ends with: its kind, times and version."""
    updated = epoch(life.updated)
    return {
        "created_at": epoch(life.created),
        "updated_at": updated,
        "resource_version": updated * 1000,
        "object": kind,
    }
