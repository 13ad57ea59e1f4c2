"""A piece of a resource: what one feature of a stream is in a connector."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlt.common.schema import TTableSchemaColumns


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What a feature adds to a resource.

    Args:
        definition: fields of the resource in dlt's configuration.
        endpoint: fields of its endpoint.
        options: fields of its `ResourceOptions`.
        retried: HTTP statuses that are retried beyond the usual ones.
        attempts: how often a request is retried.
        wait_headers: headers that say how long to wait before a retry.
        lookback: an ISO 8601 duration: how long the API may take to show a change.
        columns: the declared columns of the table.
    """

    definition: Mapping[str, Any] = field(default_factory=dict)
    endpoint: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    retried: frozenset[int] = frozenset()
    attempts: int = 0
    wait_headers: tuple[str, ...] = ()
    lookback: str | None = None
    columns: TTableSchemaColumns = field(default_factory=dict)


def joined(pieces: Iterable[Piece]) -> Piece:
    """Join pieces; objects and lists in both, such as `params`, are joined too."""
    whole = Piece()
    for piece in pieces:
        whole = Piece(
            definition=_joined(whole.definition, piece.definition),
            endpoint=_joined(whole.endpoint, piece.endpoint),
            options=_joined(whole.options, piece.options),
            retried=whole.retried | piece.retried,
            attempts=max(whole.attempts, piece.attempts),
            wait_headers=tuple(dict.fromkeys((*whole.wait_headers, *piece.wait_headers))),
            lookback=piece.lookback or whole.lookback,
            columns={**whole.columns, **piece.columns},
        )
    return whole


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(one)
    for key, value in other.items():
        mine = result.get(key)
        both = isinstance(mine, Mapping) and isinstance(value, Mapping)
        lists = isinstance(mine, list) and isinstance(value, list)
        result[key] = _joined(mine, value) if both else [*mine, *value] if lists else value  # type: ignore
    return result
