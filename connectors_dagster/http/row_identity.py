"""The identity of a row while pages are read: its key, or the whole row if the key is incomplete."""

from collections.abc import Sequence
from typing import Any

from connectors_dagster.rows.raw_json import NULL


def identify_rows(primary_key: Sequence[str], rows: Sequence[Any]) -> list[bytes]:
    """Return the identity of each row; fields of rows are JSON text."""
    return [_identify(primary_key, row) for row in rows]


def _identify(primary_key: Sequence[str], row: Any) -> bytes:
    try:
        key = [row.get(name, NULL) for name in primary_key]
        if NULL in key:
            return b"\0".join(name.encode() + bytes(value) for name, value in row.items())
        return b"\0".join(key)
    except (AttributeError, TypeError):  # not a row; the page validator reports it
        return repr(row).encode()
