"""Parses JSON bodies only as far as needed: the fields of rows stay JSON text.

Most of a row is nested and goes into json columns unchanged. Parsing it only to write it again takes longer than
everything else, and loses digits.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from connectors_dagster.rows.json_codec import dump, load, repair

RawRow = dict[str, msgspec.Raw]
"""A row whose fields are JSON text."""

NULL = msgspec.Raw(b"null")
SEPARATOR = b"\0"
"""Separates the JSON texts of a column; JSON itself cannot contain it."""
_FIELDS = msgspec.json.Decoder(RawRow)
_ROWS = msgspec.json.Decoder(list[RawRow])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def parse(body: Any, path: Sequence[str]) -> Any:
    """Parse a JSON document, except the fields of the rows at `path`; ``*`` in it means every item of a list.

    Raises:
        ValueError: the document is not JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return _parse(body, path)
    except msgspec.DecodeError:
        return _parse(repair(bytes(body)), path)


def decode(raw: Any) -> Any:
    """Parse JSON text completely, with all digits."""
    return load(bytes(raw))


def join_column(rows: Sequence[RawRow], name: str) -> bytes:
    """Return the JSON texts of a field, joined by separators; null for rows that lack it."""
    return SEPARATOR.join([row.get(name, NULL) for row in rows])


def decode_fields(raw: msgspec.Raw | bytes) -> RawRow:
    """Parse an object, except its fields."""
    return _FIELDS.decode(raw)


def decode_items(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """Parse an array, except its items."""
    return _ITEMS.decode(raw)


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
    """Write the fields of a row as JSON text; anything that is not a row stays as it is."""
    return {name: encode(value) for name, value in row.items()} if isinstance(row, dict) else row


def with_fields(row: RawRow, added: RawRow) -> RawRow:
    """Return a row with more fields; its own of the same name is renamed: ``_orders_id`` becomes ``own_orders_id``."""
    for name in added:
        if name in row:
            own = f"own{name}"
            while own in row:
                own = f"own_{own}"
            row = {own if field == name else field: value for field, value in row.items()}
    return row | added


def is_raw(row: Any) -> bool:
    """Return whether a value is a row whose fields are JSON text."""
    return isinstance(row, dict) and isinstance(next(iter(row.values()), NULL), msgspec.Raw)


def first_byte(raw: Any) -> bytes:
    """Return the first byte of JSON text, which says what it is: ``{`` for an object, ``[`` for a list."""
    return bytes(memoryview(raw)[:1])


def path_of(selector: str) -> tuple[str, ...] | None:
    """Return the names in a simple JSON path, or None if `parse` does not support the path."""
    names = tuple(name for name in selector.replace("[*]", ".*").removeprefix("$").split(".") if name)
    return names if all(name == "*" or name.isidentifier() for name in names) else None


def encode(value: Any) -> msgspec.Raw:
    """Write a value as JSON text."""
    return msgspec.Raw(dump(value).encode())


def _parse(body: Any, path: Sequence[str]) -> Any:
    try:
        return _parse_rows(body) if not path else _descend(body, path[0], path[1:])
    except msgspec.ValidationError:  # JSON of an unexpected shape: the caller reports it
        return decode(body)


def _descend(body: Any, name: str, path: Sequence[str]) -> Any:
    if name == "*":
        return [_parse(item, path) for item in _ITEMS.decode(body)]
    return {key: _parse(value, path) if key == name else decode(value) for key, value in _FIELDS.decode(body).items()}


def _parse_rows(body: Any) -> Any:
    single = first_byte(body) == b"{"
    return _FIELDS.decode(body) if single else _ROWS.decode(body)
