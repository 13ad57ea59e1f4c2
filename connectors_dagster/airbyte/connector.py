"""The connector that the native streams of a manifest make."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from dlt.sources.rest_api.typing import RESTAPIConfig

from connectors_dagster.airbyte.cursor import filters_by_time
from connectors_dagster.airbyte.error_handling import ATTEMPTS
from connectors_dagster.airbyte.errors import Reason
from connectors_dagster.airbyte.manifest import Manifest
from connectors_dagster.airbyte.piece import Piece, joined
from connectors_dagster.airbyte.shapes import ODD, SHAPE_ERRORS, described
from connectors_dagster.airbyte.stream import Stream
from connectors_dagster.airbyte.texts import write_text
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.options import ResourceOptions, Retry
from connectors_dagster.spec.windows import shortest

Pieces = Mapping[Stream, Piece]
Reasons = dict[Stream, tuple[Reason, ...]]


def build_connector(
    manifest: Manifest, name: str, pieces: Pieces, reasons: Reasons, others: Mapping[str, str]
) -> Connector | None:
    """Make a connector of the streams that have a translation.

    A stream with which the connector contradicts itself is left out, and its reason is added to `reasons`. All that is
    left out stands in `excluded`, also the `others`, which are no plain streams.

    Returns:
        None if no stream is left.
    """
    try:
        return _made(manifest, name, _kept(pieces, reasons), _excluded(reasons, others))
    except SHAPE_ERRORS:
        _find_contradictions(manifest, name, pieces, reasons)
    return _made(manifest, name, _kept(pieces, reasons), _excluded(reasons, others))


def common_fields(manifest: Manifest) -> dict[str, Any]:
    """Return the fields of a connector that its streams do not matter for."""
    step = {"step": manifest.step} if manifest.step else {}
    description = manifest.description or f"{manifest.name}, read as its manifest says"
    return {"description": description, "start_date": manifest.start_date, **step}


def _kept(pieces: Pieces, reasons: Reasons) -> Pieces:
    """Return the streams without a reason; the children of others get one, and their children."""
    while True:
        kept = {one: piece for one, piece in pieces.items() if one not in reasons}
        orphans = {one: one.parent for one in kept if one.parent and one.parent not in kept}
        if not orphans:
            return kept
        for one, parent in orphans.items():
            reasons[one] = (Reason("a parent that is not native", parent.vendor_name),)


def _find_contradictions(manifest: Manifest, name: str, pieces: Pieces, reasons: Reasons) -> None:
    """Add one stream after the other, with its parents, to a connector; one that contradicts those before it is out."""
    together: dict[Stream, Piece] = {}
    for one in _kept(pieces, reasons):
        chain = {one: pieces[one]}
        while parent := next(iter(chain)).parent:
            chain = {parent: pieces[parent], **chain}
        try:
            _made(manifest, name, {**together, **chain})
        except ValueError as error:
            reasons[one] = (Reason("a contradiction", str(error)),)
        except SHAPE_ERRORS as error:
            reasons[one] = (Reason(ODD, described(error)),)
        else:
            together |= chain


def _excluded(reasons: Reasons, others: Mapping[str, str]) -> dict[str, str]:
    return {**{one.name: "; ".join(map(str, why)) for one, why in reasons.items()}, **others}


def _made(
    manifest: Manifest, name: str, pieces: Pieces, excluded: Mapping[str, str] = MappingProxyType({})
) -> Connector | None:
    if not pieces:
        return None
    addresses = {one: write_text(one.base_url, one) for one in pieces}
    [(address, _)] = Counter(addresses.values()).most_common(1)
    chosen = dict(pieces)
    for one, own in addresses.items():
        if own != address:
            chosen[one] = joined([chosen[one], Piece(options={"base_url": own})])
    for one in {one.parent for one in pieces if one.parent and one.parent.cursor and not one.parent.parent}:
        # A child has no windows: whether its rows changed does not show in those of its parent.
        filtered = {"filter_for_children": True} if filters_by_time(one) else {}
        chosen[one] = joined([chosen[one], Piece(options={"separate_children": True, **filtered})])
    lookbacks = [shortest(piece.lookback, what="lookback_window") for piece in chosen.values() if piece.lookback]
    retried = frozenset(status for piece in chosen.values() for status in piece.retried)
    config = {
        "client": {"base_url": address},
        "resources": [
            {"name": one.name, **piece.definition, "endpoint": dict(piece.endpoint)} for one, piece in chosen.items()
        ],
    }
    return Connector(
        name=name,
        **common_fields(manifest),
        config=cast(RESTAPIConfig, config),
        schema={one.name: piece.columns for one, piece in chosen.items()},
        resources={one.name: ResourceOptions(**piece.options) for one, piece in chosen.items() if piece.options},
        retry=Retry(
            statuses=Retry().statuses | retried,
            attempts=max(ATTEMPTS, *(piece.attempts for piece in chosen.values())),
            wait_headers=tuple(dict.fromkeys(name for piece in chosen.values() for name in piece.wait_headers)),
        ),
        ignored_responses={"": "unknown"},
        excluded=excluded,
        lookback=max((Connector.lookback, *lookbacks)),
    )
