"""The hash of a row, for an API whose rows have no key: rows with the same content are one row."""

from collections.abc import Collection
from hashlib import blake2b
from typing import Any

import msgspec

from connectors_dagster.rows.json_codec import dump
from connectors_dagster.rows.raw_json import RawRow, decode
from connectors_dagster.spec.added_columns import ROW_HASH

WRITTEN_IN_SEVERAL_WAYS = (b"{", b"[")
BYTES = 16


def with_hash(row: RawRow, without: Collection[str] = ()) -> RawRow:
    """Return a row with the hash of its fields except those; their order, blanks and escapes do not matter."""
    digest = blake2b(digest_size=BYTES)
    for name in sorted(name for name in row if name not in without):
        digest.update(f"{len(name)}:{name}".encode("utf-8", "surrogatepass"))
        value = _canonical(bytes(row[name]))
        digest.update(b"%d:%b" % (len(value), value))
    return {**row, ROW_HASH: msgspec.Raw(f'"{digest.hexdigest()}"'.encode())}


def _canonical(text: bytes) -> bytes:
    nested = text.startswith(WRITTEN_IN_SEVERAL_WAYS)
    return dump(_sorted(decode(text))).encode("utf-8", "surrogatepass") if nested or b"\\" in text else text


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
