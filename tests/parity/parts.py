"""Parts of manifests, of which the cases are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HOST = "https://api.example"
SPEC: Mapping[str, Any] = {
    "type": "object",
    "required": ["token", "shop", "start"],
    "properties": {
        "token": {"type": "string", "airbyte_secret": True},
        "shop": {"type": "string"},
        "start": {"type": "string", "format": "date-time"},
    },
}
Part = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A manifest, all streams of which must be native.

    Args:
        name: of the case.
        covers: the rows of the table in docs/airbyte.md that it shows, by the beginning of their first cell.
        manifest: the manifest.
    """

    name: str
    covers: tuple[str, ...]
    manifest: Part = field(repr=False)


def case(name: str, covers: str | tuple[str, ...], *streams: Part, **parts: Any) -> Case:
    """Describe a case; `spec` replaces properties, `rules` change it, and any other part is one of the manifest."""
    own = parts.pop("spec", {})
    required = [*SPEC["required"], *parts.pop("required", [])]
    spec = {**SPEC, "required": required, "properties": {**SPEC["properties"], **own}}
    rules = {"config_normalization_rules": parts.pop("rules")} if "rules" in parts else {}
    manifest = {
        "version": "7.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [streams[0].get("name", "things")]},
        "streams": list(streams),
        "spec": {"type": "Spec", "connection_specification": spec, **rules},
        **parts,
    }
    return Case(name=name, covers=(covers,) if isinstance(covers, str) else covers, manifest=manifest)


def stream(name: str = "things", /, **parts: Any) -> Part:
    """Describe a stream; `requester` and `selector` replace fields, any other part is one of its own."""
    requester = {"type": "HttpRequester", "url_base": f"{HOST}/v1", "path": f"/{name}", "http_method": "GET"}
    extractor = {"type": "DpathExtractor", "field_path": parts.pop("at", ["data"])}
    retriever: Part = {
        "type": "SimpleRetriever",
        "requester": {**requester, **parts.pop("requester", {})},
        "record_selector": {"type": "RecordSelector", "extractor": extractor, **parts.pop("selector", {})},
    }
    for part in ("paginator", "partition_router"):
        if part in parts:
            retriever[part] = parts.pop(part)
    fields = parts.pop("fields", {"id": "string", "title": "string", "size": "integer", "open": "boolean"})
    schema = {"type": "object", "properties": {field: {"type": ["null", kind]} for field, kind in fields.items()}}
    key = parts.pop("primary_key", ["id"])
    return {
        "type": "DeclarativeStream",
        "name": name,
        **({"primary_key": key} if key else {}),
        "retriever": retriever,
        "schema_loader": {"type": "InlineSchemaLoader", "schema": schema},
        **parts,
    }


def option(name: str | list[str], into: str = "request_parameter") -> Part:
    """Say where in a request a value goes."""
    at = {"field_name": name} if isinstance(name, str) else {"field_path": name}
    return {"type": "RequestOption", "inject_into": into, **at}


def pages(strategy: str, token: str | Part = "page", size: str | Part | None = "per_page", **fields: Any) -> Part:
    """Describe a paginator."""
    paginator: Part = {
        "type": "DefaultPaginator",
        "page_token_option": option(token) if isinstance(token, str) else token,
        "pagination_strategy": {"type": strategy, **fields},
    }
    if size is not None and "page_size" in fields:
        paginator["page_size_option"] = option(size) if isinstance(size, str) else size
    return paginator


def cursors(value: str, stop: str | None = None, token: str | Part = "after", **fields: Any) -> Part:
    """Describe a paginator with a cursor."""
    ended = {"stop_condition": stop} if stop else {}
    return pages("CursorPagination", token, cursor_value=value, **ended, **fields)


LINK: Part = {"type": "RequestPath"}


def dated(form: str = "%Y-%m-%dT%H:%M:%SZ", *, start: Any = "since", end: Any = "until", **fields: Any) -> Part:
    """Describe a cursor; without the names of parameters the requests do not filter."""
    bounds = {"start_time_option": start, "end_time_option": end}
    return {
        "type": "DatetimeBasedCursor",
        "cursor_field": "changed",
        "datetime_format": form,
        "start_datetime": {
            "type": "MinMaxDatetime",
            "datetime": "{{ config['start'] }}",
            "datetime_format": "%Y-%m-%dT%H:%M:%SZ",
        },
        **{name: option(at) if isinstance(at, str) else at for name, at in bounds.items() if at},
        **fields,
    }


def child(of: Part, key: str = "id", name: str = "parent_id", into: Part | None = None) -> Part:
    """Request a stream for each row of another."""
    config = {"type": "ParentStreamConfig", "stream": of, "parent_key": key, "partition_field": name}
    sent = {"request_option": into} if into else {}
    return {"type": "SubstreamPartitionRouter", "parent_stream_configs": [{**config, **sent}]}


def listed(*values: Any, name: str = "kind", into: Part | None = None) -> Part:
    """Request a stream for each value of a list."""
    sent = {"request_option": into} if into else {}
    return {"type": "ListPartitionRouter", "cursor_field": name, "values": list(values), **sent}


def added(**fields: Any) -> Part:
    """Add fields to rows; a pair is a value and its type."""
    written = [{"type": "AddedFieldDefinition", "path": [name], **_value(value)} for name, value in fields.items()]
    return {"type": "AddFields", "fields": written}


def _value(value: Any) -> Part:
    return {"value": value[0], "value_type": value[1]} if isinstance(value, tuple) else {"value": value}


def handled(*filters: Part, **fields: Any) -> Part:
    """Describe what happens to errors."""
    return {
        "type": "DefaultErrorHandler",
        "response_filters": [{"type": "HttpResponseFilter", **one} for one in filters],
        **fields,
    }
