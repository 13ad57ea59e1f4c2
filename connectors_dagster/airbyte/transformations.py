"""Transformations of rows."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.key import key_of
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.row_expressions import write_expression
from connectors_dagster.airbyte.stream import Stream, only_type
from connectors_dagster.spec.transformations import Transformation, TypedValue

TYPES: Mapping[str, Literal["text", "integer", "float", "boolean"]] = {
    "string": "text",
    "integer": "integer",
    "number": "float",
    "boolean": "boolean",
}
GLOBS = re.compile(r"[*?\[\]!]")


def translate_transformations(stream: Stream) -> Piece:
    """Translate the changes that are made to rows.

    Raises:
        NotNativeError: one of them has no translation.
    """
    if stream.definition.get("file_uploader"):
        raise NotNativeError("files that are downloaded for rows")
    changes = (*(_change(one, stream) for one in stream.transformations), *_casts(stream))
    return Piece(options={"transformations": changes} if changes else {})


def _casts(stream: Stream) -> Iterator[Transformation]:
    """Yield the cast of rows to their schema, which comes after everything else."""
    written = stream.selector.get("schema_normalization") or "None"
    if written == "None":
        return
    loader = stream.definition.get("schema_loader") or {}
    schema: Any = loader.get("schema") if isinstance(loader, Mapping) else None
    plain = isinstance(schema, Mapping) and not any(name in str(schema) for name in ("'$ref'", "{{"))
    filtered_later = stream.selector.get("record_filter") and stream.selector.get("transform_before_filtering")
    if written != "Default" or not plain or filtered_later:
        raise NotNativeError("rows that are cast to their schema", written if isinstance(written, str) else "")
    if schema.get("properties"):
        yield Transformation(cast_to={"properties": schema["properties"]})


def _change(written: Component, stream: Stream) -> Transformation:
    known = ("AddFields", "RemoveFields", "KeysToLower", "DpathFlattenFields")
    kind = only_type(written, *known, what="a transformation")
    if written.get("condition"):
        raise NotNativeError("a transformation with a condition", written["condition"])
    if kind == "KeysToLower":
        return Transformation(lower_names=True)
    if kind == "DpathFlattenFields":
        return _flatten(written)
    return _add(written, stream) if kind == "AddFields" else _remove(written)


def _flatten(written: Component) -> Transformation:
    [name, *inside] = _path(written.get("field_path"))
    others = [one for one in ("replace_record", "key_transformation") if written.get(one)]
    if inside or GLOBS.search(name) or "{{" in name or others or not written.get("delete_origin_value"):
        raise NotNativeError("an object that is flattened in another way", name)
    return Transformation(flatten_fields=(name,))


def _add(written: Component, stream: Stream) -> Transformation:
    """Translate added fields; a later one of the same name replaces an earlier one, as in Airbyte."""
    added: dict[str, str | TypedValue] = {}
    for field in written.get("fields") or ():
        [path, *inside], kind = _path(field.get("path")), field.get("value_type")
        if inside:
            raise NotNativeError("a field that is added inside an object", [path, *inside])
        if kind and kind not in TYPES:
            raise NotNativeError("an added field of a type that is not known", kind)
        if path in added:
            raise NotNativeError("a field that is added twice", path)
        text = write_expression(str(field.get("value")), stream, typed=bool(kind), clock=_is_only_data(path, stream))
        added[path] = TypedValue(value=text, type=TYPES[str(kind)]) if kind else text
    return Transformation(add_fields=added)


def _is_only_data(name: str, stream: Stream) -> bool:
    """Tell whether a field does not identify its row: then it may be different each time the row is read."""
    return name not in (*key_of(stream), stream.cursor.get("cursor_field"))


def _remove(written: Component) -> Transformation:
    paths = [_path(pointer) for pointer in written.get("field_pointers") or ()]
    for path in paths:
        if any(GLOBS.search(name) or name.isdigit() for name in path):
            raise NotNativeError("fields that are removed by a pattern or a position", path)
    return Transformation(remove_fields=tuple(path if path[1:] else path[0] for path in dict.fromkeys(paths)))


def _path(written: object) -> tuple[str, ...]:
    if not isinstance(written, list) or not written or not all(isinstance(name, str) and name for name in written):
        raise NotNativeError("a path to a field that is no list of names", written)
    return tuple(written)
