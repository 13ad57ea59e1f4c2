"""Request options: where in a request a value goes."""

from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import constant
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.shapes import listed
from connectors_dagster.airbyte.stream import Stream
from connectors_dagster.spec.placeholders import Setting, Text

PARTS = {"request_parameter": "params", "header": "headers", "body_json": "json", "body_data": "data"}


def place_of(option: Component, stream: Stream) -> tuple[str, tuple[str, ...]]:
    """Return the part of a request that an option names, and the path in it.

    Raises:
        NotNativeError: the place depends on values.
    """
    where, path = str(option.get("inject_into")), listed(option.get("field_path"), "field_path")
    path = path or [option.get("field_name")]
    if where not in PARTS:
        raise NotNativeError("a value in another part of the request", where)
    if option.get("field_path") and where != "body_json":
        raise NotNativeError("a path outside of a JSON body", path)
    names = [constant(str(name), types=(str,)) if "{" not in str(name) else None for name in path]
    if None in names:
        raise NotNativeError("the name of a parameter is an expression", f"{stream.vendor_name}: {path}")
    return PARTS[where], tuple(map(str, names))


def put(option: Component, value: Any, stream: Stream) -> Piece:
    """Return the piece with a value where an option says.

    Raises:
        NotNativeError: the place has no translation.
    """
    part, path = place_of(option, stream)
    if part == "headers" and isinstance(value, Setting):
        value = Text(value)  # a header is text
    for name in reversed(path):
        value = {name: value}
    return Piece(endpoint={part: value})
