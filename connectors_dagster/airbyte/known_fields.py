"""The fields of components that are read here; a stream with another one that airbyte-cdk reads is not translated."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.parameters import PARAMETERS
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.settings import ANY
from connectors_dagster.airbyte.stream import Stream

ALWAYS = frozenset(("type", PARAMETERS, "name", "description", "$comment"))
STREAM = "primary_key retriever schema_loader incremental_sync transformations state_migrations file_uploader"
KNOWN: Mapping[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "DeclarativeStream": STREAM,
        "SimpleRetriever": "requester record_selector paginator partition_router incremental_sync decoder "
        "ignore_stream_slicer_parameters_on_paginated_requests",
        "HttpRequester": "url_base url path http_method authenticator request_parameters request_headers "
        "request_body_json request_body_data request_body error_handler use_cache "
        "connect_timeout_in_seconds read_timeout_in_seconds use_tcp_keepalive",
        "RecordSelector": "extractor record_filter schema_normalization transform_before_filtering",
        "RecordFilter": "condition",
        "AddFields": "fields",
        "AddedFieldDefinition": "path value value_type",
        "RemoveFields": "field_pointers",
        "KeysToLower": "",
        "DpathFlattenFields": "field_path delete_origin_value replace_record key_transformation",
        "DpathExtractor": "field_path record_expander decoder",
        "DefaultPaginator": "pagination_strategy page_token_option page_size_option decoder",
        "NoPagination": "",
        "PageIncrement": "page_size start_from_page inject_on_first_request",
        "OffsetIncrement": "page_size inject_on_first_request",
        "CursorPagination": "page_size cursor_value stop_condition decoder",
        "RequestOption": "inject_into field_name field_path",
        "RequestPath": "",
        "DatetimeBasedCursor": "cursor_field datetime_format cursor_datetime_formats start_datetime end_datetime "
        "start_time_option end_time_option step cursor_granularity lookback_window clamping is_data_feed "
        "is_client_side_incremental partition_field_start partition_field_end global_substream_cursor "
        "is_compare_strictly allow_catalog_defined_cursor_field",
        "MinMaxDatetime": "datetime datetime_format min_datetime max_datetime",
        "SubstreamPartitionRouter": "parent_stream_configs",
        "ParentStreamConfig": "parent_key partition_field stream request_option extra_fields incremental_dependency "
        "lazy_read_pointer",
        "DefaultErrorHandler": "max_retries backoff_strategies response_filters max_time",
        "CompositeErrorHandler": "error_handlers",
        "HttpResponseFilter": "action http_codes predicate error_message error_message_contains failure_type",
        "BearerAuthenticator": "api_token",
        "ApiKeyAuthenticator": "api_token header inject_into",
        "BasicHttpAuthenticator": "username password",
        "SelectiveAuthenticator": "authenticator_selection_path authenticators",
        "SessionTokenAuthenticator": "login_requester session_token_path expiration_duration request_authentication "
        "decoder",
        "Bearer": "",
        "ApiKey": "inject_into api_token",
    }.items()
}
NOT_READ: Mapping[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "AddFields": "condition",
        "HttpRequester": "fetch_properties_from_endpoint query_properties",
        "RemoveFields": "condition",
        "SimpleRetriever": "page_size_reduction pagination_reset request_window_splitting",
    }.items()
}
"""Fields that airbyte-cdk reads in `TOOLKIT`, but this project does not."""
TOOLKIT = (7, 39)
"""The version of airbyte-cdk whose fields are listed. Any others of its time mean nothing: it does not read them."""
IN_OTHERS = ("stream", "schema_loader", "schema", "request_parameters", "request_headers", "request_body_json")
"""What is not looked into: it belongs to another stream, or is no component."""


def check_fields(stream: Stream) -> Piece:
    """Check that all fields of the components of a stream are known, as far as they mean anything.

    Raises:
        NotNativeError: one of them is not.
    """
    if changed := stream.settings.changed:
        written = str(stream.definition)
        names = "|".join(map(re.escape, changed))
        if re.search(r"\bconfig\b" if ANY in changed else rf"\bconfig\b.*?\b(?:{names})\b", written):
            raise NotNativeError("a configuration that is changed before it is read", ", ".join(sorted(changed)))
    for component in _components(stream.definition):
        kind = str(component["type"])
        if kind in KNOWN:
            inherited = component.get(PARAMETERS) or {}
            unknown = set(component) - KNOWN[kind] - ALWAYS - set(inherited)
            if not is_newer(stream.version):
                unknown &= NOT_READ.get(kind, frozenset())
            if unknown and component.get("class_name") is None:
                raise NotNativeError("a field that is not known here", f"{kind}.{sorted(unknown)[0]}")
    return Piece()


def is_newer(version: str) -> bool:
    """Tell whether a manifest was written for a later version than `TOOLKIT`, or for one that it does not say."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is None or (int(numbers[1]), int(numbers[2])) > TOOLKIT


def _components(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("type"), str):
            yield value
        for key, item in value.items():
            if key not in IN_OTHERS and key != PARAMETERS:
                yield from _components(item)
    elif isinstance(value, list):
        for item in value:
            yield from _components(item)
