"""A shape as a connector of this project, as somebody would write it for an API of their own."""

from collections.abc import Mapping
from typing import Any, cast

from dlt.common.schema import TTableSchemaColumns

from benchmarks.shapes import CURSOR, INSTANT, KEY, Shape
from benchmarks.task import FORMAT, SORTED
from connectors_dagster import Connector, Cursor, ResourceOptions, Secret, Setting, TimestampFormat

TYPES = {
    "integer": {"data_type": "bigint"},
    "boolean": {"data_type": "bool"},
    "object": {"data_type": "json"},
    "array": {"data_type": "json"},
    "string": {"data_type": "text"},
    INSTANT: {"data_type": "timestamp"},
}
LOCAL = {"data_type": "timestamp", "timezone": False}
"""Times that do not say where they are; those in GMT have names with `_gmt`."""


def build_connector(name: str, shape: Shape) -> Connector:
    """Build the connector."""
    cursor = Cursor(timestamp_format=TimestampFormat(format=FORMAT), lower="exclusive")
    return Connector(
        name=name,
        description=shape.about,
        schema={table: columns(shape.tables[table]) for table in shape.tables},
        resources={shape.resource: ResourceOptions(cursor=cursor)} if shape.windowed else {},
        total_header="X-WP-Total",
        config={
            "client": {
                "base_url": Setting("base_url"),
                "auth": {"type": "http_basic", "username": Secret("api_key"), "password": Secret("api_secret")},
            },
            "resource_defaults": {
                "primary_key": KEY,
                "write_disposition": "merge",
                "endpoint": {"data_selector": "data"},
            },
            "resources": [_resource(shape), *([_child(shape)] if shape.child else [])],
        },
    )


def columns(fields: Mapping[str, str]) -> TTableSchemaColumns:
    """Return the declared columns of a table."""
    return cast(TTableSchemaColumns, {name: _column(name, kind) for name, kind in fields.items()})


def _column(name: str, kind: str) -> dict[str, Any]:
    declared = LOCAL if kind == INSTANT and not name.endswith("_gmt") else TYPES[kind]
    return {"name": name, "nullable": name != KEY, **declared}


def _resource(shape: Shape) -> Any:
    times = {"start_param": "modified_after", "end_param": "modified_before"} if shape.filtered else {}
    incremental = {"incremental": {"cursor_path": CURSOR, **times}} if shape.windowed else {}
    paginator = {"type": "offset", "limit": shape.page, "limit_param": "per_page", "total_path": None}
    endpoint = {"path": f"/{shape.resource}", "params": SORTED, "paginator": paginator, **incremental}
    return {"name": shape.resource, "endpoint": endpoint}


def _child(shape: Shape) -> Any:
    path = f"/{shape.resource}/{{resources.{shape.resource}.{KEY}}}/{shape.child}"
    return {"name": shape.child, "include_from_parent": [KEY], "endpoint": {"path": path, "paginator": "single_page"}}
