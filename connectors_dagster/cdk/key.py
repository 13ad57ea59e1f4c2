"""The key of a stream that airbyte-cdk reads, and the columns that are added for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from connectors_dagster.airbyte.expressions import compiled
from connectors_dagster.airbyte.key import hash_piece, identifying_paths
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.names import identifier
from connectors_dagster.airbyte.parameters import PARAMETERS
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.stream import LIST, Stream

ABOVE = "parent_slice"
"""What a parent was requested for, in what its child is requested for."""
DEEP = (ABOVE, "extra_fields", "lazy_read_pointer", "class_name")
"""Words of a stream whose requests may depend on more of a parent than its key."""
FIELDS: Mapping[Any, str] = {LIST: "cursor_field", "UnionPartitionRouter": "partition_field"}
"""The field of a router that names its only value."""


def partitions_of(stream: Stream) -> Mapping[str, Sequence[str]]:
    """Return a column for each thing that a row was requested for, with its path in what airbyte-cdk requested.

    An empty path is all of it. What the parent itself was requested for is a column only if requests may depend on it:
    else they are the same for all, and so are their rows.
    """
    found: dict[str, Sequence[str]] = {}
    for path in dict.fromkeys(_paths(stream.routers, deep=any(one in str(_own(stream.definition)) for one in DEEP))):
        column = f"_{identifier('_'.join(path).replace(ABOVE, 'parent'))}" if path else "_partition"
        while column in found:
            column += "_2"
        found[column] = path
    return found


def _paths(routers: Iterable[Component], *, deep: bool) -> Iterator[Sequence[str]]:
    """Yield the paths to the values that routers yield.

    Args:
        routers: of one stream.
        deep: whether those of the parents count, too.
    """
    for router in routers:
        kind, parents = router.get("type"), router.get("parent_stream_configs")
        if kind in FIELDS:
            yield from _named(str(router.get(FIELDS[kind])))
        if kind != "SubstreamPartitionRouter" or not isinstance(parents, list):
            continue
        fields = list(dict.fromkeys(str(parent.get("partition_field")) for parent in parents))
        above = [path for parent in parents for path in _paths(_routers(parent), deep=True)] if deep else []
        if parents[1:] and (fields[1:] or above):
            yield ()  # a row has only the values of one of them
        else:
            yield from (path for field in fields for path in _named(field))
            yield from ((ABOVE, *path) for path in above)


def _named(name: str) -> Iterator[Sequence[str]]:
    if compiled(name).is_constant:
        yield (name,)


def _routers(parent: Component) -> Sequence[Component]:
    """Return what a parent is requested for."""
    stream: Any = parent.get("stream")
    router = (stream.get("retriever") or {}).get("partition_router") if isinstance(stream, Mapping) else None
    return router if isinstance(router, list) else [router] if router else []


def _own(component: Any) -> Any:
    """Return a stream without its parents."""
    if isinstance(component, list):
        return [_own(item) for item in component]
    if isinstance(component, Mapping):
        return {name: _own(item) for name, item in component.items() if name not in ("stream", PARAMETERS)}
    return component


def paths_of_key(stream: Stream) -> Mapping[str, Sequence[str]]:
    """Return the columns of the key, each with its path in the row."""
    paths = identifying_paths(stream)
    return {path[0] if len(path) == 1 else f"_{identifier('_'.join(path))}": path for path in paths}


def key_piece(stream: Stream) -> Piece:
    """Return the key of the resource: a hash of the row if the stream has none."""
    if not (key := paths_of_key(stream)):
        return hash_piece(stream)
    return Piece(definition={"primary_key": [*partitions_of(stream), *key], "write_disposition": "merge"})
