"""The orders as a declarative manifest, as Airbyte's connector builder would write it."""

from typing import Any

from benchmarks.peers.order_schema import order_schema
from benchmarks.task import END, FORMAT, PAGE, PASSWORD, SORTED, START, STEP, USER

STREAM = "orders"
# The API's bounds are exclusive; the CDK's windows end one second before the next one starts.
SHIFTED = "{{{{ (str_to_datetime(stream_interval['{edge}']) {sign} duration('PT1S')).strftime('{format}') }}}}"


def build_manifest(address: str, connections: int) -> dict[str, Any]:
    """Build the manifest for a server's address and a number of workers."""
    return {
        "version": "7.39.1",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [STREAM]},
        "streams": [_stream(address)],
        "spec": {"type": "Spec", "connection_specification": {"type": "object", "properties": {}}},
        "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": connections},
    }


def _stream(address: str) -> dict[str, Any]:
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
            "start_datetime": START.strftime(FORMAT),
            "end_datetime": END.strftime(FORMAT),
            "step": STEP,
        },
        "retriever": {
            "type": "SimpleRetriever",
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": ["data"]},
            },
            "requester": _requester(address),
            "paginator": _paginator(),
        },
    }


def _requester(address: str) -> dict[str, Any]:
    return {
        "type": "HttpRequester",
        "url_base": address,
        "path": "/orders",
        "http_method": "GET",
        "authenticator": {"type": "BasicHttpAuthenticator", "username": USER, "password": PASSWORD},
        "request_parameters": {
            **SORTED,
            "modified_after": SHIFTED.format(edge="start_time", sign="-", format=FORMAT),
            "modified_before": SHIFTED.format(edge="end_time", sign="+", format=FORMAT),
        },
    }


def _paginator() -> dict[str, Any]:
    parameter = {"type": "RequestOption", "inject_into": "request_parameter"}
    return {
        "type": "DefaultPaginator",
        "pagination_strategy": {"type": "OffsetIncrement", "page_size": PAGE},
        "page_token_option": {**parameter, "field_name": "offset"},
        "page_size_option": {**parameter, "field_name": "per_page"},
    }
