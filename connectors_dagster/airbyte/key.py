"""The primary key of a stream."""

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.stream import Stream


def translate_key(stream: Stream) -> Piece:
    """Translate the primary key. That of a child is unique within its parent only, so the parent's key is part of it.

    Raises:
        NotNativeError: there is none, or it is inside an object.
    """
    key = key_of(stream)
    if not key:
        raise NotNativeError("rows without a primary key")
    parents = (f"_{stream.parent.name}_{stream.parent_config['parent_key']}",) if stream.parent else ()
    return Piece(definition={"primary_key": [*parents, *key], "write_disposition": "merge"})


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
