"""The key of a stream that airbyte-cdk reads, and the columns that are added for it."""

from collections.abc import Iterator, Mapping, Sequence

from connectors_dagster.airbyte.expressions import compiled
from connectors_dagster.airbyte.key import hash_piece, identifying_paths
from connectors_dagster.airbyte.names import identifier
from connectors_dagster.airbyte.piece import Piece
from connectors_dagster.airbyte.stream import LIST, Stream


def partitions_of(stream: Stream) -> Mapping[str, str]:
    """Return a column for each thing that a row was requested for, with its name in the manifest."""
    names = [name for router in stream.routers for name in _names(router)]
    return {f"_{identifier(name)}": name for name in names if compiled(name).is_constant}


def _names(router: Mapping[str, object]) -> Iterator[str]:
    if router.get("type") == LIST:
        yield str(router.get("cursor_field"))
    parents = router.get("parent_stream_configs")
    if router.get("type") == "SubstreamPartitionRouter" and isinstance(parents, list):
        fields = {str(parent.get("partition_field")) for parent in parents}
        yield from sorted(fields) if len(fields) == 1 else ()  # else a row has only one of them


def paths_of_key(stream: Stream) -> Mapping[str, Sequence[str]]:
    """Return the columns of the key, each with its path in the row."""
    paths = identifying_paths(stream)
    return {path[0] if len(path) == 1 else f"_{identifier('_'.join(path))}": path for path in paths}


def key_piece(stream: Stream) -> Piece:
    """Return the key of the resource: a hash of the row if the stream has none."""
    if not (key := paths_of_key(stream)):
        return hash_piece(stream)
    return Piece(definition={"primary_key": [*partitions_of(stream), *key], "write_disposition": "merge"})
