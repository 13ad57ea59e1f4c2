"""JSON bodies read no further than needed: the fields of rows stay as the API wrote them.

Most of a row is nested and goes into json columns as it came. Making objects of it only to write it again costs
more than everything else, and loses digits.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors_dagster.rows.json_codec import dump, load, mend

RawRow = dict[str, msgspec.Raw]
"""A row whose fields are JSON text."""

NULL = msgspec.Raw(b"null")
SEPARATOR = b"\0"
"""Stands between the JSON texts of a column; in JSON itself it must not stand."""
_FIELDS = msgspec.json.Decoder(RawRow)
_ROWS = msgspec.json.Decoder(list[RawRow])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def parse(body: Any, path: Sequence[str]) -> Any:
    """Parse a JSON document, except the fields of the rows at `path`; ``*`` on it stands for every item of a list.

    Raises:
        ValueError: the document is no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return _parse(body, path)
    except msgspec.DecodeError:
        return _parse(mend(bytes(body)), path)


def decode(raw: Any) -> Any:
    """Parse JSON text whole, with all digits."""
    return load(bytes(raw))


def join_column(rows: Sequence[RawRow], name: str) -> bytes:
    """Return the texts of a field with separators between them, null where a row does not have it."""
    return SEPARATOR.join([row.get(name, NULL) for row in rows])


def decode_column(texts: bytes) -> list[Any]:
    """Parse the same field of many rows at once, with all digits."""
    values: list[Any] = load(b"[" + texts.replace(SEPARATOR, b",") + b"]")
    return values


def decode_row(row: RawRow) -> dict[str, Any]:
    """Parse all fields of a row."""
    return {name: decode(raw) for name, raw in row.items()}


def write_row(row: RawRow) -> str:
    """Write a row as JSON text; its fields stay as the API wrote them."""
    return f"{{{','.join(f'{dump(name)}:{bytes(raw).decode()}' for name, raw in row.items())}}}"


def encode_row(row: Any) -> Any:
    """Write the fields of a row as JSON text; what is no row stays as it is."""
    return {name: encode(value) for name, value in row.items()} if isinstance(row, dict) else row


def is_raw(row: Any) -> bool:
    """Tell whether something is a row whose fields are JSON text."""
    return isinstance(row, dict) and isinstance(next(iter(row.values()), NULL), msgspec.Raw)


def path_of(selector: str) -> tuple[str, ...] | None:
    """Return the names on a simple JSON path, or None for one that this module cannot follow."""
    names = tuple(name for name in selector.replace("[*]", ".*").removeprefix("$").split(".") if name)
    return names if all(name == "*" or name.isidentifier() for name in names) else None


def encode(value: Any) -> msgspec.Raw:
    """Write a value as JSON text."""
    return msgspec.Raw(dump(value).encode())


def _parse(body: Any, path: Sequence[str]) -> Any:
    try:
        return _parse_rows(body) if not path else _descend(body, path[0], path[1:])
    except msgspec.ValidationError:  # JSON, but not of the shape expected: whoever looks at it will say so
        return decode(body)


def _descend(body: Any, name: str, path: Sequence[str]) -> Any:
    if name == "*":
        return [_parse(item, path) for item in _ITEMS.decode(body)]
    return {key: _parse(value, path) if key == name else decode(value) for key, value in _FIELDS.decode(body).items()}


def _parse_rows(body: Any) -> Any:
    single = bytes(memoryview(body)[:1]) == b"{"
    return _FIELDS.decode(body) if single else _ROWS.decode(body)
