"""The primary key of a stream."""

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.stream import Stream

HASH = Piece(options={"key": "row_hash", "known_limitations": "Rows have no key: equal rows are one row."})


def translate_key(stream: Stream) -> Piece:
    """Translate the primary key; without one, a hash of the row is the key.

    The key of a child is unique within its parent only, so the parent's key is part of it, and so is the value of a
    list for which the stream is requested.

    Raises:
        NotNativeError: it is inside an object.
    """
    key = key_of(stream)
    if not key:
        return HASH
    parents = (f"_{stream.parent.name}_{stream.parent_config['parent_key']}",) if stream.parent else ()
    lists = tuple(f"_{name}" for name in stream.lists.values())
    return Piece(definition={"primary_key": [*parents, *lists, *key], "write_disposition": "merge"})


def key_of(stream: Stream) -> tuple[str, ...]:
    """Return the fields of the primary key as the manifest names them.

    Raises:
        NotNativeError: one of them is inside an object.
    """
    written = stream.definition.get("primary_key") or ()
    fields = (written,) if isinstance(written, str) else tuple(written)
    fields = tuple(one[0] if isinstance(one, list) and len(one) == 1 else one for one in fields)
    if any(isinstance(field, list) for field in fields):
        raise NotNativeError("a key inside an object", fields)
    return tuple(str(field) for field in fields if field)
