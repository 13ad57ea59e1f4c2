"""The primary key of a stream."""

from connectors_dagster.airbyte.clock_fields import clock_fields
from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.shapes import listed
from connectors_dagster.airbyte.stream import Stream

HASH_REMARK = "Rows have no key: equal rows are one row."


def translate_key(stream: Stream) -> Piece:
    """Translate the primary key; without one, a hash of the row is the key.

    The key of a child is unique within its parent only, so the parent's key is part of it, and so is the value of a
    list for which the stream is requested.

    Raises:
        NotNativeError: it is inside an object.
    """
    key = key_of(stream)
    if not key:
        return hash_piece(stream, known_limitations=HASH_REMARK)
    parents = (f"_{stream.parent.name}_{stream.parent_config['parent_key']}",) if stream.parent else ()
    lists = tuple(f"_{name}" for name in stream.lists.values())
    return Piece(definition={"primary_key": [*parents, *lists, *key], "write_disposition": "merge"})


def hash_piece(stream: Stream, **options: str) -> Piece:
    """Return a hash of the row as key, without what only says when the row was read."""
    unhashed = clock_fields(stream)
    return Piece(options={"key": "row_hash", **({"unhashed_fields": unhashed} if unhashed else {}), **options})


def key_of(stream: Stream) -> tuple[str, ...]:
    """Return the fields of the primary key as the manifest names them; none if they only say when a row was read.

    Raises:
        NotNativeError: one of them is inside an object.
    """
    paths = identifying_paths(stream)
    if any(len(path) > 1 for path in paths):
        raise NotNativeError("a key inside an object", paths)
    return tuple(path[0] for path in paths)


def identifying_paths(stream: Stream) -> list[list[str]]:
    """Return the paths of the primary key; none if they only say when a row was read: then they identify nothing.

    Raises:
        NotNativeError: it is no field, and no list of fields and paths.
    """
    paths, times = key_paths(stream.definition), clock_fields(stream)
    return [] if all(len(path) == 1 and path[0] in times for path in paths) else paths


def key_paths(definition: Component) -> list[list[str]]:
    """Return the fields of the primary key of a stream, each as the path to it in a row.

    Raises:
        NotNativeError: it is no field, and no list of fields and paths.
    """
    written = definition.get("primary_key") or ()
    fields = (written,) if isinstance(written, str) else listed(written, "primary_key")
    if not all(isinstance(step, str) for field in fields for step in (field if isinstance(field, list) else [field])):
        raise NotNativeError("a key that is not the name of a field", written)
    return [[str(step) for step in field] if isinstance(field, list) else [str(field)] for field in fields if field]
