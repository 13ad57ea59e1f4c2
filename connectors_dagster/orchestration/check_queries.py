"""Check a loaded table with plain SQL on any destination, or with the metadata its loads recorded."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dlt.destinations.sql_client import SqlClientBase

from connectors_dagster.config.window_grid import window_grid
from connectors_dagster.load.destination import reading, stored_schema
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.metadata import fetched_until
from connectors_dagster.orchestration.recorded import last_metadata, metadata_by_window
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.time_zone import TimeZone
from connectors_dagster.spec.timestamps import MICROSECOND
from connectors_dagster.spec.windows import Window

Finding = tuple[bool, dict[str, Any]]
"""Whether the check passed, and the numbers behind it."""
BEGINNING = datetime(2, 1, 1, tzinfo=UTC)
NO_TIMES = (
    Window(datetime.min.replace(tzinfo=UTC), BEGINNING),
    Window(datetime(9999, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
)


def key_is_unique(_instance: dg.DagsterInstance, resource: Resource, _key: dg.AssetKey) -> Finding:
    """Compare the number of rows of a table with the number of distinct keys."""
    with reading(resource.connector.name) as client:
        table = client.make_qualified_table_name(resource.name)
        columns = [client.escape_column_name(name) for name in resource.primary_key]
        null = " OR ".join(f"{column} IS NULL" for column in columns)
        listed = ", ".join(columns)
        rows, keys = (
            _number(client, sql)
            for sql in (
                f"SELECT count(*) FROM {table}",
                f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {table} WHERE NOT ({null})) AS key_values",
            )
        )
    return rows == keys, {"rows": rows, "keys": keys}


def cursor_in_windows(instance: dg.DagsterInstance, resource: Resource, key: dg.AssetKey) -> Finding:
    """Count the rows whose cursor is outside all loaded windows."""
    recorded = metadata_by_window(instance, key)
    loaded = [window for window in _opened(resource) if fetched_until(resource, recorded.get(window.key, {}))]
    with reading(resource.connector.name) as client:
        table = client.make_qualified_table_name(resource.name)
        cursor = client.escape_column_name(str(resource.cursor_path))
        spans = [*_spans(loaded), *_older(resource, loaded), *_no_times(resource)]
        inside = " OR ".join([f"({cursor} >= %s AND {cursor} < %s)"] * len(spans)) or "1 = 0"
        bounds = [_as_stored(resource, bound) for span in spans for bound in (span.start, span.end)]
        sql = f"SELECT count(*) FROM {table} WHERE {cursor} IS NOT NULL AND NOT ({inside})"
        outside = _number(client, sql, *bounds)
    return outside == 0, {"rows_outside": outside, "windows_loaded": len(loaded)}


def complete_is_read(instance: dg.DagsterInstance, resource: Resource, key: dg.AssetKey) -> Finding:
    """List the windows that are marked complete but were not read to their end."""
    wrong, recorded = [], metadata_by_window(instance, key)
    for window in _opened(resource):
        metadata = recorded.get(window.key, {})
        claimed = "complete" in metadata and metadata["complete"].value
        reached = fetched_until(resource, metadata)
        if claimed and (reached is None or reached < window.end):
            wrong.append(window.key)
    return not wrong, {"windows": wrong}


def source_count(instance: dg.DagsterInstance, resource: Resource, key: dg.AssetKey) -> Finding:
    """Compare the API's total with the number of distinct keys that were read, for each read."""
    opened = {window.key for window in _opened(resource)} if resource.windowed else {""}
    records = metadata_by_window(instance, key) if resource.windowed else {"": last_metadata(instance, key)}
    counts = {
        window: (int(record["source_rows"].value), int(record["keys_read"].value))
        for window, record in sorted(records.items())
        if "source_rows" in record and window in opened
    }
    differ = [window for window, (total, read) in counts.items() if total != read]
    numbers: dict[str, Any] = {
        "source_rows": sum(total for total, _ in counts.values()),
        "keys_read": sum(read for _, read in counts.values()),
        "reads_compared": len(counts),
    }
    if resource.windowed:
        numbers["windows_that_differ"] = differ
    if not counts:
        numbers["reason"] = "nothing to compare: the API has not reported a total for this resource"
    return not differ, numbers


def columns_as_declared(_instance: dg.DagsterInstance, resource: Resource, _key: dg.AssetKey) -> Finding:
    """Compare the columns that dlt has stored for a table with the declared columns."""
    schema = stored_schema(resource.connector.name, resource.pipeline_name)
    stored = schema.tables.get(resource.name, {}).get("columns", {})
    declared = {schema.naming.normalize_path(name): column for name, column in resource.columns.items()}
    added = {
        name: column.get("data_type")
        for name, column in stored.items()
        if name not in declared and not name.startswith("_dlt") and not column.get("variant")
    }
    changed = {
        name: f"{column['data_type']}, but {stored[name]['data_type']} in the table"
        for name, column in declared.items()
        if name in stored and column.get("data_type", stored[name]["data_type"]) != stored[name]["data_type"]
    }
    missing = [name for name in declared if name not in stored]
    found: dict[str, Any] = {"added": added, "type_changed": changed, "missing": missing}
    differences = {name: value for name, value in found.items() if value}
    return not differences, differences


def _number(client: SqlClientBase[Any], sql: str, *values: Any) -> int:
    ((number,),) = client.execute_sql(sql, *values) or ((0,),)
    return int(number)


def _opened(resource: Resource) -> list[Window]:
    return window_grid(resource.connector).opened(clock.now())


def _spans(windows: Sequence[Window]) -> list[Window]:
    """Join adjacent windows."""
    spans: list[Window] = []
    for window in windows:
        if spans and spans[-1].end == window.start:
            spans[-1] = Window(spans[-1].start, window.end)
        else:
            spans.append(window)
    return spans


def _older(resource: Resource, loaded: Sequence[Window]) -> list[Window]:
    """Return the span before the first window if its rows are loaded with that window."""
    keeps = resource.cursor is not None and resource.cursor.before_start == "keep"
    return [Window(BEGINNING, loaded[0].start)] if keeps and loaded and loaded[0] == _opened(resource)[0] else []


def _no_times(resource: Resource) -> list[Window]:
    """Return the spans of the cursors that say that there is no time, if the column holds timestamps."""
    cursor = resource.cursor
    if cursor is None or _column(resource).get("data_type") != "timestamp":
        return []
    zeros = cursor.timestamp_format.zero_timestamps
    return [*NO_TIMES, *(Window(zero, zero + MICROSECOND) for zero in sorted(zeros))]


def _column(resource: Resource) -> Mapping[str, Any]:
    return resource.columns.get(str(resource.cursor_path), {})


def _local(zone: TimeZone, time: datetime) -> datetime:
    try:
        return zone.to_local(time)
    except OverflowError:  # the first and the last day that a column can hold
        return time.replace(tzinfo=None)


def _as_stored(resource: Resource, time: datetime) -> Any:
    assert resource.cursor
    column, timestamps = _column(resource), resource.cursor.timestamp_format
    if column.get("data_type") == "timestamp":
        return time if column.get("timezone") is not False else _local(timestamps.zone, time)
    return timestamps.encode(time)
