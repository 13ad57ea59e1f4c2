"""Casts: values of a row in the types of a JSON schema, as far as that is possible."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from connectors_dagster.rows.raw_json import RawRow, decode, encode, first_byte

TRUE, FALSE = ("y", "yes", "t", "true", "on", "1"), ("n", "no", "f", "false", "off", "0")
SIMPLE: Mapping[str, type] = {"string": str, "number": float, "integer": int, "boolean": bool, "null": type(None)}
FITTING: Mapping[str, bytes] = {"string": b'"', "boolean": b"tf", "object": b"{"}
"""How the JSON of a value begins that has a type already, and nothing in it to cast."""


def casting(schema: Mapping[str, Any]) -> Callable[[RawRow], RawRow]:
    """Return what casts the fields of a row to the types in a schema.

    A field whose type is a union of several types stays, and so does a value that cannot be cast.
    """
    fields = [(str(name), hints) for name, hints in (schema.get("properties") or {}).items() if _says_type(hints)]

    def cast(row: RawRow) -> RawRow:
        for name, hints in fields:
            if name in row and not _fits(first_byte(row[name]), hints):
                before = decode(row[name])
                after = _inside(_converted(before, hints), hints)
                row[name] = encode(after)
        return row

    return cast


def _says_type(hints: Any) -> bool:
    return isinstance(hints, Mapping) and bool(hints.get("type") or "properties" in hints or "items" in hints)


def _fits(first: bytes, hints: Mapping[str, Any]) -> bool:
    """Tell by the first letter of its JSON whether a value stays as it is."""
    kind = _type(hints)
    if first == b"n":  # null
        return kind is None or "null" in hints["type"]
    return first in FITTING.get(kind or "", b"") and not (kind == "object" and "properties" in hints)


def _type(hints: Mapping[str, Any]) -> str | None:
    """Return the only type beside null; None if there is none, or several."""
    written = hints.get("type")
    if isinstance(written, str):
        return written
    kinds = [kind for kind in written or () if kind != "null"]
    return kinds[0] if len(kinds) == 1 else None


def _inside(value: Any, hints: Mapping[str, Any]) -> Any:
    """Return a value whose fields and items are cast."""
    properties, items = hints.get("properties") or {}, hints.get("items")
    if isinstance(value, dict) and properties:
        known = {name: properties[name] for name in value if isinstance(properties.get(name), Mapping)}
        return value | {name: _inside(_converted(value[name], inner), inner) for name, inner in known.items()}
    if isinstance(value, list) and isinstance(items, Mapping):
        return [_inside(_converted(item, items), items) for item in value]
    return value


def _converted(value: Any, hints: Mapping[str, Any]) -> Any:
    if value is None and "null" in (hints.get("type") or ()):
        return None
    try:
        return _as_type(value, _type(hints), hints)
    except (ValueError, TypeError, OverflowError):
        return value


def _as_type(value: Any, kind: str | None, hints: Mapping[str, Any]) -> Any:
    if kind == "string":
        return str(value)
    if kind == "number":
        number = float(value)
        return number if math.isfinite(number) else None
    if kind == "integer":
        return int(value)
    if kind == "boolean":
        return _boolean(value)
    return [value] if kind == "array" and type(value) in SIMPLE.values() and _of_simple(hints.get("items")) else value


def _of_simple(items: Any) -> bool:
    """Tell whether the items of a list may be of several simple types, or of any."""
    kinds = items.get("type", ()) if isinstance(items, Mapping) else ()
    return set(kinds) <= set(SIMPLE)


def _boolean(value: Any) -> bool:
    """Return a truth value.

    Raises:
        ValueError: the text is no word for one.
    """
    if not isinstance(value, str):
        return bool(value)
    word = value.lower().strip()
    if word not in (*TRUE, *FALSE):
        raise ValueError(word)
    return word in TRUE
