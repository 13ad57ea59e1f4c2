"""A shape as a declarative manifest, as Airbyte's connector builder would write it."""

from collections.abc import Mapping
from typing import Any

from benchmarks.peers.json_schema import json_schema
from benchmarks.shapes import CURSOR, KEY, ORDERS, Shape
from benchmarks.task import END, FORMAT, PASSWORD, SORTED, START, STEP, USER

STREAM = "orders"
PARAMETER = {"type": "RequestOption", "inject_into": "request_parameter"}
NO_SETTINGS: Mapping[str, Any] = {"type": "object", "properties": {}}
# The API's bounds are exclusive; the CDK's windows end one second before the next one starts.
SHIFTED = "{{{{ (str_to_datetime(stream_interval['{edge}']) {sign} duration('PT1S')).strftime('{format}') }}}}"


def build_manifest(address: str, connections: int, shape: Shape = ORDERS) -> dict[str, Any]:
    """Build the manifest for a server's address and a number of workers."""
    cursor = {"start_datetime": START.strftime(FORMAT), "end_datetime": END.strftime(FORMAT)}
    bounds = {
        "modified_after": SHIFTED.format(edge="start_time", sign="-", format=FORMAT),
        "modified_before": SHIFTED.format(edge="end_time", sign="+", format=FORMAT),
    }
    requester = {
        "url_base": address,
        "authenticator": {"type": "BasicHttpAuthenticator", "username": USER, "password": PASSWORD},
        "request_parameters": {**SORTED, **bounds} if shape.filtered else SORTED,
    }
    return manifest_of(connections, cursor=cursor, requester=requester, shape=shape)


def manifest_of(
    connections: int,
    *,
    cursor: Mapping[str, Any],
    requester: Mapping[str, Any],
    settings: Mapping[str, Any] = NO_SETTINGS,
    shape: Shape = ORDERS,
) -> dict[str, Any]:
    """Build a manifest of a shape, with the rest of its cursor, of its requests, and its settings."""
    stream = _stream(shape.resource, shape, requester) | _incremental(cursor, shape)
    return {
        "version": "7.39.1",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [shape.resource]},
        "streams": [stream, *([_child(shape, stream, requester)] if shape.child else [])],
        "spec": {"type": "Spec", "connection_specification": settings},
        "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": connections},
    }


def _stream(name: str, shape: Shape, requester: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "DeclarativeStream",
        "name": name,
        "primary_key": [KEY],
        "schema_loader": {"type": "InlineSchemaLoader", "schema": json_schema(shape.tables[name])},
        "retriever": {
            "type": "SimpleRetriever",
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": ["data"]},
            },
            "requester": {"type": "HttpRequester", "path": f"/{name}", "http_method": "GET", **requester},
            "paginator": _paginator(shape.page),
        },
    }


def _incremental(cursor: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """Return the cursor; without a filter there is one list, from which old rows are left out."""
    if not shape.windowed:
        return {}
    own = {"step": STEP, "cursor_granularity": "PT1S"} if shape.filtered else {"is_client_side_incremental": True}
    return {
        "incremental_sync": {
            "type": "DatetimeBasedCursor",
            "cursor_field": CURSOR,
            "datetime_format": FORMAT,
            **own,
            **cursor,
        }
    }


def _child(shape: Shape, parent: Mapping[str, Any], requester: Mapping[str, Any]) -> dict[str, Any]:
    stream = _stream(shape.child, shape, requester)
    path = f"/{shape.resource}/{{{{ stream_partition.parent }}}}/{shape.child}"
    stream["retriever"] |= {
        "requester": stream["retriever"]["requester"] | {"path": path},
        "paginator": {"type": "NoPagination"},
        "partition_router": {
            "type": "SubstreamPartitionRouter",
            "parent_stream_configs": [
                {"type": "ParentStreamConfig", "stream": parent, "parent_key": KEY, "partition_field": "parent"}
            ],
        },
    }
    return stream


def _paginator(page: int) -> dict[str, Any]:
    return {
        "type": "DefaultPaginator",
        "pagination_strategy": {"type": "OffsetIncrement", "page_size": page},
        "page_token_option": {**PARAMETER, "field_name": "offset"},
        "page_size_option": {**PARAMETER, "field_name": "per_page"},
    }
