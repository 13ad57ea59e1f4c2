"""What a stream is requested for: rows of another stream, or values of a list."""

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.options import put
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.stream import Stream, only_type

OTHERS = {
    "ListPartitionRouter": "requests per value of a list",
    "GroupingPartitionRouter": "requests per group of parent rows",
}


def translate_partitions(stream: Stream) -> Piece:
    """Translate the parent.

    Raises:
        NotNativeError: the parent is used in a way that has no translation, or it is something else than a parent.
    """
    if not stream.routers:
        return Piece()
    if len(stream.routers) > 1:
        raise NotNativeError("requests per combination of several partitions", len(stream.routers))
    router = stream.routers[0]
    if other := OTHERS.get(str(router.get("type"))):
        raise NotNativeError(other)
    only_type(router, "SubstreamPartitionRouter", what="partitions")
    config, parent = stream.parent_config, stream.parent
    if not config:
        raise NotNativeError("a child of several parents", len(router.get("parent_stream_configs") or ()))
    if parent is None or not _same_requests(parent.definition, config.get("stream") or {}):
        raise NotNativeError("a parent that is not a stream itself", (config.get("stream") or {}).get("name", ""))
    key = str(config.get("parent_key"))
    if not key.isidentifier():
        raise NotNativeError("a parent's key that is not the name of a field", key)
    for field in ("extra_fields", "lazy_read_pointer"):
        if config.get(field):
            raise NotNativeError("more fields of the parent row", config[field])
    _check_windows(stream, parent)
    included = Piece(definition={"include_from_parent": [key]})
    if option := config.get("request_option"):
        sent = put(option, f"{{resources.{parent.name}.{key}}}", stream)
        return Piece(definition=included.definition, endpoint=sent.endpoint)
    return included


def _check_windows(stream: Stream, parent: Stream) -> None:
    if stream.cursor:
        raise NotNativeError("a child with a cursor of its own", f"{stream.cursor.get('cursor_field')}")
    while parent:
        if parent.cursor:
            raise NotNativeError("a child without a cursor of a parent with one", parent.vendor_name)
        if parent.parent is None:
            return
        parent = parent.parent


def _same_requests(one: Component, other: Component) -> bool:
    """Tell whether two definitions of a stream request the same."""
    return one.get("retriever") == other.get("retriever")
