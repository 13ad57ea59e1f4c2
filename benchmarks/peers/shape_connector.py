"""A shape as a connector of this project, as somebody would write it for an API of their own."""

from typing import Any, cast

from dlt.common.schema import TTableSchemaColumns

from benchmarks.shapes import CURSOR, KEY, Shape
from benchmarks.task import FORMAT, SORTED
from connectors_dagster import Connector, Cursor, ResourceOptions, Secret, Setting, TimestampFormat


def build_connector(name: str, shape: Shape) -> Connector:
    """Build the connector."""
    cursor = Cursor(timestamp_format=TimestampFormat(format=FORMAT), lower="exclusive")
    return Connector(
        name=name,
        description=shape.about,
        schema={table: cast(TTableSchemaColumns, shape.columns(table)) for table in shape.tables},
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


def _resource(shape: Shape) -> Any:
    times = {"start_param": "modified_after", "end_param": "modified_before"} if shape.filtered else {}
    incremental = {"incremental": {"cursor_path": CURSOR, **times}} if shape.windowed else {}
    paginator = {"type": "offset", "limit": shape.page, "limit_param": "per_page", "total_path": None}
    endpoint = {"path": f"/{shape.resource}", "params": SORTED, "paginator": paginator, **incremental}
    return {"name": shape.resource, "endpoint": endpoint}


def _child(shape: Shape) -> Any:
    path = f"/{shape.resource}/{{resources.{shape.resource}.{KEY}}}/{shape.child}"
    return {"name": shape.child, "include_from_parent": [KEY], "endpoint": {"path": path, "paginator": "single_page"}}
