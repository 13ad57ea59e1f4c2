"""The fields of a table as a JSON schema, which Airbyte and Singer require."""

from collections.abc import Mapping
from typing import Any

from benchmarks.shapes import INSTANT, KEY


def json_schema(fields: Mapping[str, str]) -> dict[str, Any]:
    """Build the schema: every field except the key may be null."""
    properties = {name: _property(kind) for name, kind in fields.items()}
    return {"type": "object", "properties": {**properties, KEY: {"type": fields[KEY]}}}


def _property(kind: str) -> dict[str, Any]:
    return {"type": ["null", "string"], "format": "date-time"} if kind == INSTANT else {"type": ["null", kind]}
