"""The requests of a stream: method, path, query, headers and body."""

from collections.abc import Mapping
from typing import Any

from connectors_dagster.airbyte.computed import surely_computed
from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled, constant
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.shapes import ODD
from connectors_dagster.airbyte.stream import Stream, only_type, without_empty_parts
from connectors_dagster.airbyte.texts import write_json, write_param, write_text
from connectors_dagster.spec.placeholders import Setting, Text

BODIES = ("request_body_json", "request_body_data", "request_body")


def translate_requests(stream: Stream, *, forms: bool = False) -> Piece:
    """Translate what is requested, except the address of the API.

    Args:
        stream: whose requests they are.
        forms: whether the body may be a form.

    Raises:
        NotNativeError: a part of it has no translation.
    """
    only_type(stream.requester, "HttpRequester", what="a requester")
    endpoint: dict[str, Any] = {"path": _path(stream)}
    method = str(stream.requester.get("http_method") or "GET").upper()
    if method not in ("GET", "POST"):
        raise NotNativeError("an HTTP method", method)
    if method == "POST":
        endpoint["method"] = method
    for field, part, write in (("request_parameters", "params", write_param), ("request_headers", "headers", _header)):
        written = stream.requester.get(field) or {}
        if not isinstance(written, Mapping):
            raise NotNativeError(f"{field} as one text", written)
        values = {_name(name): write(value, stream) for name, value in written.items()}
        if kept := {name: value for name, value in values.items() if value is not None}:
            endpoint[part] = kept
    return Piece(endpoint={**endpoint, **_body(stream, forms=forms)})


def _path(stream: Stream) -> str:
    written = stream.requester.get("path") or ""
    if not isinstance(written, str | int):
        raise NotNativeError(ODD, f"path is no text: {written}")
    path = without_empty_parts(str(written).lstrip("/"))
    if "://" in path:
        raise NotNativeError("an address instead of a path", path)
    if path and "?" in stream.base_url:
        raise NotNativeError("a query before the path", stream.base_url)
    found = write_text(path, stream)
    if isinstance(found, Setting):
        return Text(surely_computed(path, stream, kind="text") if found.optional else found)
    return found


def _name(name: Any) -> str:
    if not compiled(str(name)).is_constant:
        raise NotNativeError("the name of a parameter is an expression", name)
    return str(constant(str(name), types=(str,)))


def _header(value: Any, stream: Stream) -> Any:
    """Return the value of a header, which Airbyte reads as Python does and then writes."""
    if not isinstance(value, str):
        return str(value)
    if compiled(value).is_constant:
        found = constant(value)
        return None if found is None else str(found)
    written = write_text(value, stream, kind="written")
    if isinstance(written, Setting) and written.type in (bool, list):
        return surely_computed(value, stream, kind="written")  # as Python writes it
    return Text(written) if isinstance(written, Setting) and written.type is not str else written


def _body(stream: Stream, *, forms: bool) -> Mapping[str, Any]:
    given = {field: stream.requester[field] for field in BODIES if stream.requester.get(field)}
    if not given:
        return {}
    [(field, written), *more] = given.items()
    if more or not isinstance(written, Mapping):
        raise NotNativeError("a body as one text", written)
    if field == "request_body_data":
        if not forms:
            raise NotNativeError("a body that is a form", written)
        values = {_name(name): write_param(value, stream) for name, value in written.items()}
        return {"data": {name: value for name, value in values.items() if value is not None}}
    if field == "request_body":
        only_type(written, "RequestBodyJsonObject", "RequestBodyGraphQL", what="a body that is no JSON")
        written = written.get("value") or {}
    return {"json": write_json(written, stream)}
