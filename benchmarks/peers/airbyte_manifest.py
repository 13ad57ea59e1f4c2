"""The orders as a declarative manifest, as Airbyte's connector builder would write it."""

from collections.abc import Mapping
from typing import Any

from benchmarks.peers.order_schema import order_schema
from benchmarks.task import END, FORMAT, PAGE, PASSWORD, SORTED, START, STEP, USER

STREAM = "orders"
PARAMETER = {"type": "RequestOption", "inject_into": "request_parameter"}
NO_SETTINGS: Mapping[str, Any] = {"type": "object", "properties": {}}
# The API's bounds are exclusive; the CDK's windows end one second before the next one starts.
SHIFTED = "{{{{ (str_to_datetime(stream_interval['{edge}']) {sign} duration('PT1S')).strftime('{format}') }}}}"


def build_manifest(address: str, connections: int) -> dict[str, Any]:
    """Build the manifest for a server's address and a number of workers."""
    cursor = {"start_datetime": START.strftime(FORMAT), "end_datetime": END.strftime(FORMAT)}
    bounds = {
        "modified_after": SHIFTED.format(edge="start_time", sign="-", format=FORMAT),
        "modified_before": SHIFTED.format(edge="end_time", sign="+", format=FORMAT),
    }
    requester = {
        "url_base": address,
        "authenticator": {"type": "BasicHttpAuthenticator", "username": USER, "password": PASSWORD},
        "request_parameters": {**SORTED, **bounds},
    }
    return manifest_of(connections, cursor=cursor, requester=requester)


def manifest_of(
    connections: int,
    *,
    cursor: Mapping[str, Any],
    requester: Mapping[str, Any],
    settings: Mapping[str, Any] = NO_SETTINGS,
) -> dict[str, Any]:
    """Build a manifest of the orders, with the rest of its cursor, of its requests, and its settings."""
    return {
        "version": "7.39.1",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [STREAM]},
        "streams": [_stream(cursor, requester)],
        "spec": {"type": "Spec", "connection_specification": settings},
        "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": connections},
    }


def _stream(cursor: Mapping[str, Any], requester: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "DeclarativeStream",
        "name": STREAM,
        "primary_key": ["id"],
        "schema_loader": {"type": "InlineSchemaLoader", "schema": order_schema()},
        "incremental_sync": {
            "type": "DatetimeBasedCursor",
            "cursor_field": "date_modified_gmt",
            "datetime_format": FORMAT,
            "cursor_granularity": "PT1S",
            "step": STEP,
            **cursor,
        },
        "retriever": {
            "type": "SimpleRetriever",
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": ["data"]},
            },
            "requester": {"type": "HttpRequester", "path": "/orders", "http_method": "GET", **requester},
            "paginator": _paginator(),
        },
    }


def _paginator() -> dict[str, Any]:
    return {
        "type": "DefaultPaginator",
        "pagination_strategy": {"type": "OffsetIncrement", "page_size": PAGE},
        "page_token_option": {**PARAMETER, "field_name": "offset"},
        "page_size_option": {**PARAMETER, "field_name": "per_page"},
    }
