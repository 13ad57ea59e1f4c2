"""Asset checks: what must hold for every loaded table, asked in plain SQL on any destination."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import dagster as dg
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.sql_client import SqlClientBase

from connectors_dagster.connector import Connector, Resource
from connectors_dagster.defs import present
from connectors_dagster.defs.metadata import fetched_until
from connectors_dagster.defs.partitions import grid_of
from connectors_dagster.defs.progress import last_fetched, last_metadata
from connectors_dagster.defs.translator import asset_key
from connectors_dagster.destination import reading
from connectors_dagster.window import Window

Check = tuple[bool, dict[str, Any]]


def build_checks(connector: Connector) -> dg.AssetChecksDefinition:
    """Make the checks of all resources of a connector, one op that can run any of them."""
    resources = {asset_key(r): r for r in connector.resources.values()}

    @dg.multi_asset_check(
        name=f"{connector.name}__checks",
        specs=[spec for resource in resources.values() for spec in _specs(resource)],
        can_subset=True,
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        for key in sorted(context.selected_asset_check_keys, key=lambda key: (key.asset_key.path, key.name)):
            try:
                passed, numbers = CHECKS[key.name](context.instance, resources[key.asset_key])
            except DatabaseUndefinedRelation:
                passed, numbers = False, {"reason": "the table is not there yet: materialize the asset"}
            yield dg.AssetCheckResult(asset_key=key.asset_key, check_name=key.name, passed=passed, metadata=numbers)

    return check


def _specs(resource: Resource) -> Iterator[dg.AssetCheckSpec]:
    key = asset_key(resource)
    yield dg.AssetCheckSpec("key", asset=key, description="The key is unique and never null.")
    if resource.cursor:
        yield dg.AssetCheckSpec(
            "cursor_in_windows", asset=key, description="Every cursor lies inside a window that was loaded."
        )
        yield dg.AssetCheckSpec(
            "complete_is_read", asset=key, description="No window is marked complete that was not read to its end."
        )


def _key(_: dg.DagsterInstance, resource: Resource) -> Check:
    with reading(resource.connector.name) as client:
        table = client.make_qualified_table_name(resource.name)
        columns = [client.escape_column_name(name) for name in resource.primary_key]
        null = " OR ".join(f"{column} IS NULL" for column in columns)
        listed = ", ".join(columns)
        rows, keys = (
            _number(client, sql)
            for sql in (
                f"SELECT count(*) FROM {table}",
                f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {table} WHERE NOT ({null})) AS keys",
            )
        )
    return rows == keys, {"rows": rows, "keys": keys}


def _cursor_in_windows(instance: dg.DagsterInstance, resource: Resource) -> Check:
    loaded = [window for window in _opened(resource) if last_fetched(instance, resource, window.key)]
    with reading(resource.connector.name) as client:
        table = client.make_qualified_table_name(resource.name)
        cursor = client.escape_column_name(str((resource.incremental or {})["cursor_path"]))
        spans = _spans(loaded)
        inside = " OR ".join([f"({cursor} >= %s AND {cursor} < %s)"] * len(spans)) or "1 = 0"
        bounds = [_as_stored(resource, instant) for span in spans for instant in (span.start, span.end)]
        sql = f"SELECT count(*) FROM {table} WHERE {cursor} IS NOT NULL AND NOT ({inside})"
        outside = _number(client, sql, *bounds)
    return outside == 0, {"rows_outside": outside, "windows_loaded": len(loaded)}


def _complete_is_read(instance: dg.DagsterInstance, resource: Resource) -> Check:
    wrong = []
    for window in _opened(resource):
        metadata = last_metadata(instance, resource, window.key)
        claimed = "complete" in metadata and metadata["complete"].value
        reached = fetched_until(resource, metadata)
        if claimed and (reached is None or reached < window.end):
            wrong.append(window.key)
    return not wrong, {"windows": wrong}


CHECKS = {"key": _key, "cursor_in_windows": _cursor_in_windows, "complete_is_read": _complete_is_read}


def _number(client: SqlClientBase[Any], sql: str, *values: Any) -> int:
    ((number,),) = client.execute_sql(sql, *values) or ((0,),)
    return int(number)


def _opened(resource: Resource) -> list[Window]:
    return grid_of(resource.connector).opened(present.now())


def _spans(windows: Sequence[Window]) -> list[Window]:
    """Join neighbouring windows."""
    spans: list[Window] = []
    for window in windows:
        if spans and spans[-1].end == window.start:
            spans[-1] = Window(spans[-1].start, window.end)
        else:
            spans.append(window)
    return spans


def _as_stored(resource: Resource, instant: datetime) -> Any:
    column = resource.columns.get(str((resource.incremental or {})["cursor_path"]), {})
    if column.get("data_type") == "timestamp":
        return instant.replace(tzinfo=None) if column.get("timezone") is False else instant
    return resource.cursor.clock.encode(instant) if resource.cursor else instant
