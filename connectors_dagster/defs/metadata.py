"""What a materialization tells about itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from connectors_dagster import settings
from connectors_dagster.connector import Resource
from connectors_dagster.destination import location
from connectors_dagster.redaction import redact
from connectors_dagster.tally import Tally
from connectors_dagster.window import Slice


def count_metadata(resource: Resource, tally: Tally) -> dict[str, Any]:
    """Return the counts of a read; waits in seconds, bytes as received and decoded."""
    return {
        "rows": tally.rows,
        "pages": tally.pages,
        "requests": tally.requests,
        "retries": tally.retries,
        "waited": round(tally.waited, 3),
        "bytes": tally.bytes,
        "duplicates": tally.duplicates,
        "without_cursor": tally.without_cursor,
        "ignored": tally.ignored,
        **({"not_available": tally.not_available} if tally.not_available else {}),
        "absent": tally.absent,
        "drift": dg.MetadataValue.json(tally.drift),
        "missing_fields": dg.MetadataValue.json(tally.missing_fields),
        "sql": dg.MetadataValue.md(f"```sql\nSELECT * FROM {resource.connector.name}.{resource.name} LIMIT 100;\n```"),
    }


def window_metadata(resource: Resource, piece: Slice, tally: Tally) -> dict[str, Any]:
    """Return the counts of a read window with its bounds, and up to when it is read."""
    return {
        **count_metadata(resource, tally),
        "dagster/partition_row_count": tally.rows,
        "window_start": dg.MetadataValue.timestamp(piece.window.start),
        "window_end": dg.MetadataValue.timestamp(piece.window.end),
        "fetched_until": dg.MetadataValue.timestamp(piece.until),
        "complete": piece.complete,
        "read_from": read_from(resource),
        "loaded_into": location(),
    }


def read_from(resource: Resource) -> str:
    """Name the API a read goes to: what one shop has completed says nothing about another."""
    return redact(str(settings.base_url(resource.connector)))


def fetched_until(resource: Resource, metadata: Mapping[str, dg.MetadataValue[Any]]) -> datetime | None:
    """Read back up to when a window was read, if it was from the same API into the same destination."""
    value, here = metadata.get("fetched_until"), (read_from(resource), location())
    there = tuple(metadata[name].value if name in metadata else None for name in ("read_from", "loaded_into"))
    if not isinstance(value, dg.TimestampMetadataValue) or value.value is None or there != here:
        return None
    return datetime.fromtimestamp(value.value, UTC)
