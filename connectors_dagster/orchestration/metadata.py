"""The metadata of a materialization."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import dagster as dg

from connectors_dagster.config.settings import destination_name, moved_from
from connectors_dagster.errors import ApiError
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.load.destination_location import location
from connectors_dagster.load.inventory import Inventory
from connectors_dagster.load.source_address import read_from
from connectors_dagster.orchestration.glossary import ORDER
from connectors_dagster.orchestration.remarks import remarks_on
from connectors_dagster.secrets.redaction import redact
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice

if TYPE_CHECKING:
    from connectors_dagster.load.extract import Outcome
    from connectors_dagster.load.pipeline import Load
    from connectors_dagster.read.preview import Preview

COUNTS = """
    pages requests retries bytes duplicates moved unsettled outside before_start after_end without_cursor ignored
    filtered not_available missing_rows rejected parents_without_key
""".split()


def preview_metadata(resource: Resource, slice_: Slice | None, preview: "Preview") -> dict[str, Any]:
    """Return the first rows of a read, and a query that selects all of them."""
    return {
        "preview": dg.MetadataValue.md(preview.as_markdown()),
        "sql": dg.MetadataValue.md(f"```sql\n{_query(resource, slice_)};\n```"),
    }


def _query(resource: Resource, slice_: Slice | None) -> str:
    """Return a query for the rows of a window if its cursor is a timestamp column, else for the first 100 rows."""
    everything = f"SELECT * FROM {resource.connector.name}.{resource.name}"
    cursor = resource.cursor_path
    if slice_ is None or cursor is None or resource.columns.get(cursor, {}).get("data_type") != "timestamp":
        return f"{everything} LIMIT 100"
    return f"{everything}\nWHERE {cursor} >= '{slice_.window.start}' AND {cursor} < '{slice_.window.end}'"


def read_metadata(resource: Resource, slice_: Slice | None, stats: ReadStats, loaded_into: str) -> dict[str, Any]:
    """Return the counts of a read that are not zero; for a window also its bounds and until when it was read.

    Waits are in seconds; bytes are counted as received and decoded. `outside` counts the rows that belong to no window
    of the run, and with them `before_start` and `after_end` those that belong to no window at all; they are reported
    only on the first window.
    """
    if slice_ and resource.root.cursor:
        slice_ = slice_.behind(timedelta(seconds=stats.clock_lag), resource.root.cursor.timestamp_format)
    # A total of 0 is something that the API says, and it is compared with what was read.
    compared = () if stats.source_rows is None else ("source_rows", "keys_read")
    remarks = "\n".join(remarks_on(resource, stats))
    found: dict[str, Any] = {
        **{name: getattr(stats, name) for name in COUNTS},
        "waited_seconds": round(stats.waited, 3),
        "clock_lag_seconds": stats.clock_lag,
        "keys_read": stats.keys,
        "source_rows": stats.source_rows,
        "drift": dg.MetadataValue.json(stats.drift) if stats.drift else None,
        "missing_fields": dg.MetadataValue.json(stats.missing_fields) if stats.missing_fields else None,
        "remarks": dg.MetadataValue.text(remarks) if remarks else None,
    }
    return {
        "rows": stats.rows,
        **(window_metadata(resource, slice_.claimed(settled=not stats.unsettled), loaded_into) if slice_ else {}),
        **({"dagster/partition_row_count": stats.rows} if slice_ else {}),
        **{name: value for name, value in found.items() if value or (name in compared and value is not None)},
    }


def in_order(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Sort the fields of a materialization: what matters most first, and what Dagster shows elsewhere last."""
    return dict(sorted(metadata.items(), key=lambda field: ORDER.get(field[0], len(ORDER))))


def window_metadata(resource: Resource, slice_: Slice, loaded_into: str) -> dict[str, Any]:
    """Return the bounds of a window, until when it was read, and the API and destination of the read."""
    return {
        "complete": slice_.complete,
        "fetched_until": dg.MetadataValue.timestamp(slice_.until),
        "window_start": dg.MetadataValue.timestamp(slice_.window.start),
        "window_end": dg.MetadataValue.timestamp(slice_.window.end),
        "read_from": read_from(resource),
        "loaded_into": loaded_into,
    }


def load_metadata(load: "Load", outcome: "Outcome") -> dict[str, Any]:
    """Return the seconds of each phase, the `_dlt_load_id` of the rows of this load, and the size of the table."""
    phases = {**load.seconds, "read": outcome.seconds}
    return {
        **{f"seconds_{name}": round(phases[name], 3) for name in ("schema", "read", "load") if name in phases},
        **({"load_id": ", ".join(outcome.load_ids)} if outcome.load_ids else {}),
        **({"last_load_id": load.last_load_id} if load.last_load_id else {}),
        **({} if outcome.table_rows is None else {"dagster/row_count": outcome.table_rows}),
    }


def response_metadata(errors: Sequence[Exception]) -> dict[str, Any]:
    """Return the responses behind API errors; those of the second error are named ``status (2)`` and so on."""
    responses = [error.response for error in errors if isinstance(error, ApiError) and error.response]
    return {
        name if number == 1 else f"{name} ({number})": value
        for number, response in enumerate(responses, start=1)
        for name, value in response.items()
    }


OF_READS = ("fetched_until", "read_from", "loaded_into", "load_id", "last_load_id", "dagster/row_count")
"""The fields from which `ends_of_reads` finds out until when a window was read."""


def fetched_until(
    resource: Resource, metadata: Mapping[str, dg.MetadataValue[Any]], inventory: Inventory | None = None
) -> datetime | None:
    """Return until when a window was read, or None if that was from another API or the destination does not hold it.

    Args:
        resource: the resource that was read.
        metadata: what was recorded about the window.
        inventory: what the destination holds now; without it, the record is believed.
    """
    return ends_of_reads(resource, {"": metadata}, inventory).get("")


def ends_of_reads(
    resource: Resource, recorded: Mapping[str, Mapping[str, dg.MetadataValue[Any]]], inventory: Inventory | None = None
) -> dict[str, datetime]:
    """Return until when windows were read, without those for which `fetched_until` is None.

    Args:
        resource: the resource that was read.
        recorded: what was recorded, by window.
        inventory: what the destination holds now; without it, the records are believed.
    """
    found = dict[str, datetime]()
    # Records of earlier versions only have the type of a destination that is a server.
    sources = {read_from(resource), moved_from(resource.connector) or read_from(resource)}
    here = set(product(sources, (redact(location()), destination_name())))
    for window, metadata in recorded.items():
        value = metadata.get("fetched_until")
        there = tuple(metadata[name].value if name in metadata else None for name in ("read_from", "loaded_into"))
        if not isinstance(value, dg.TimestampMetadataValue) or value.value is None or there not in here:
            continue
        if inventory is None or not _lost(resource, metadata, inventory):
            found[window] = datetime.fromtimestamp(value.value, UTC)
    return found


def _lost(resource: Resource, metadata: Mapping[str, dg.MetadataValue[Any]], inventory: Inventory) -> bool:
    """Return whether the destination does not hold the load after which a window was recorded."""
    last = last_load_id(metadata)
    # A load without rows creates no table.
    table = resource.name if "load_id" in metadata or "dagster/row_count" in metadata else None
    return bool(last) and not inventory.holds(last, table)


def last_load_id(metadata: Mapping[str, dg.MetadataValue[Any]]) -> str:
    """Return the id of the last load of the family after a materialization; empty if there was none."""
    return str(metadata["last_load_id"].value) if "last_load_id" in metadata else ""
