"""Declared columns of a stream, from the JSON schema that its manifest has."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from dlt.common.data_types import TDataType
from dlt.common.schema import TColumnSchema, TTableSchemaColumns

from connectors_dagster.airbyte.key import key_of
from connectors_dagster.airbyte.stream import Stream

IN_FILE = "JsonFileSchemaLoader"
"""The type of a schema that is beside the manifest."""
TYPES: Mapping[str, TDataType] = {
    "string": "text",
    "integer": "bigint",
    "number": "double",
    "boolean": "bool",
    "object": "json",
    "array": "json",
}


def declare_columns(stream: Stream, folder: Path) -> TTableSchemaColumns:
    """Return the columns that the schema of a stream declares.

    Types that are unions are left to the values, and so are those of keys, because schemas are often wrong; a value
    that does not fit its column is kept beside it.
    """
    properties = _schema(stream, folder).get("properties")
    if not isinstance(properties, Mapping):
        return {}
    keys = set(key_of(stream))
    return {str(name): _column(str(name), hints, key=name in keys) for name, hints in properties.items()}


def _schema(stream: Stream, folder: Path) -> Mapping[str, Any]:
    loader: Any = stream.definition.get("schema_loader") or {}
    if isinstance(loader, list):
        loader = loader[0] if loader else {}
    found = loader.get("schema")
    if loader.get("type") == IN_FILE:
        found = read_schema(file_of_schema(folder, stream.vendor_name))
    return found if isinstance(found, Mapping) else {}


def file_of_schema(folder: Path, vendor_name: str) -> Path:
    """Return where the schema of a stream is, if the manifest, which is in this folder, does not have it."""
    return folder / f"schemas/{vendor_name}.json"


def read_schema(file: Path) -> Mapping[str, Any] | None:
    """Read a schema; None if there is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _column(name: str, hints: Any, *, key: bool) -> TColumnSchema:
    hints = hints if isinstance(hints, Mapping) else {}
    column: dict[str, Any] = {"name": name}
    if (found := _type(hints)) and not key:
        column["data_type"] = found
    if text := " ".join(str(hints.get("description") or hints.get("title") or "").split()):
        column["description"] = text
    return cast(TColumnSchema, column)


def _type(hints: Mapping[str, Any]) -> TDataType | None:
    written = hints.get("type")
    kinds = {kind for kind in (written if isinstance(written, list) else [written]) if kind and kind != "null"}
    if len(kinds) != 1:
        return None
    [kind] = kinds
    if kind == "string" and hints.get("airbyte_type") == "timestamp_without_timezone":
        return "text"
    return TYPES.get(str(kind))
