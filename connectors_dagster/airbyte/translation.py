"""A manifest as a connector: the streams whose features all have a translation, and why the others have none."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from dlt.sources.rest_api.typing import RESTAPIConfig

from connectors_dagster.airbyte.auth import translate_auth
from connectors_dagster.airbyte.columns import declare_columns
from connectors_dagster.airbyte.cursor import translate_cursor
from connectors_dagster.airbyte.error_handling import ATTEMPTS, translate_error_handling
from connectors_dagster.airbyte.errors import NotNativeError, Reason
from connectors_dagster.airbyte.key import translate_key
from connectors_dagster.airbyte.known_fields import check_fields
from connectors_dagster.airbyte.manifest import Component, Manifest
from connectors_dagster.airbyte.names import identifier, identifiers
from connectors_dagster.airbyte.pagination import translate_pagination
from connectors_dagster.airbyte.partitions import translate_partitions
from connectors_dagster.airbyte.piece import Piece, joined
from connectors_dagster.airbyte.requests import translate_requests
from connectors_dagster.airbyte.selection import translate_selection
from connectors_dagster.airbyte.settings import Settings
from connectors_dagster.airbyte.stream import Stream
from connectors_dagster.airbyte.texts import write_text
from connectors_dagster.airbyte.transformations import translate_transformations
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.options import ResourceOptions, Retry
from connectors_dagster.spec.placeholders import find_placeholders
from connectors_dagster.spec.windows import shortest

FEATURES: Sequence[Callable[[Stream], Piece]] = (
    check_fields,
    translate_requests,
    translate_auth,
    translate_pagination,
    translate_selection,
    translate_transformations,
    translate_key,
    translate_partitions,
    translate_cursor,
    translate_error_handling,
)
KINDS: Mapping[str, str] = {
    "StateDelegatingStream": "a stream that is read in another way after the first time",
    "ConditionalStreams": "streams that a setting chooses",
    "DynamicDeclarativeStream": "streams that are made up when they are read",
}
Engine = Literal["native", "none"]


@dataclass(frozen=True, kw_only=True)
class TranslatedStream:
    """What became of a stream.

    Args:
        name: the name of its resource.
        vendor_name: its name in the manifest.
        engine: ``native`` if it is a resource of the connector, else ``none``.
        reasons: why it is not native.
    """

    name: str
    vendor_name: str
    engine: Engine
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Translated:
    """A manifest that was translated.

    Args:
        connector: has the native streams as resources; None if there are none.
        streams: all streams of the manifest.
    """

    connector: Connector | None
    streams: tuple[TranslatedStream, ...]


def translate(manifest: Manifest, *, name: str = "") -> Translated:
    """Translate a manifest; `name` is that of the connector, by default the manifest's."""
    streams = _streams(manifest)
    found = {one.vendor_name: _translate_stream(one) for one in streams}
    pieces = {name: piece for name, piece in found.items() if isinstance(piece, Piece)}
    reasons = {name: piece for name, piece in found.items() if not isinstance(piece, Piece)}
    base = _commonest_base(one for one in streams if one.vendor_name in pieces)
    for one in streams:
        if one.vendor_name in pieces and one.base_url != base:
            reasons[one.vendor_name] = (Reason("another address than the other streams have", one.base_url),)
    _drop_orphans(streams, reasons)
    native = [one for one in streams if one.vendor_name not in reasons]
    connector = None
    if native:
        connector = _connector(manifest, name or identifier(manifest.name), native, pieces, reasons)
    return Translated(connector=connector, streams=(*_described(streams, reasons), *_undescribed(manifest)))


def _streams(manifest: Manifest) -> list[Stream]:
    settings, siblings = Settings(manifest.spec), dict[str, Stream]()
    written = [one for one in manifest.streams if one.get("type") == "DeclarativeStream"]
    names = identifiers(str(one.get("name")) for one in written)
    streams = [
        Stream(
            name=names[str(one.get("name"))],
            vendor_name=str(one.get("name")),
            definition=one,
            settings=settings,
            siblings=siblings,
        )
        for one in written
    ]
    siblings.update({one.vendor_name: one for one in streams})
    return list(siblings.values())


def _translate_stream(stream: Stream) -> Piece | tuple[Reason, ...]:
    pieces, reasons = [], []
    for feature in (*FEATURES, _base_url):
        try:
            pieces.append(feature(stream))
        except NotNativeError as error:
            reasons.append(error.reason)
    return tuple(dict.fromkeys(reasons)) if reasons else joined(pieces)


def _base_url(stream: Stream) -> Piece:
    """Check that the address of a stream is one of a connector."""
    written = write_text(stream.base_url, stream)
    if not written:
        raise NotNativeError("no address")
    if "{" in written:
        raise NotNativeError("an address that is made of a row or a window", stream.base_url)
    if any(setting.optional for setting in find_placeholders(written)):
        raise NotNativeError("an address that may be missing", stream.base_url)
    return Piece()


def _commonest_base(streams: Iterable[Stream]) -> str:
    counts = Counter(one.base_url for one in streams)
    return counts.most_common(1)[0][0] if counts else ""


def _drop_orphans(streams: Sequence[Stream], reasons: dict[str, tuple[Reason, ...]]) -> None:
    """Give the children of streams that are not native a reason, and their children."""
    while True:
        orphans = [
            one
            for one in streams
            if one.vendor_name not in reasons and one.parent and one.parent.vendor_name in reasons
        ]
        if not orphans:
            return
        for one in orphans:
            reasons[one.vendor_name] = (
                Reason("a parent that is not native", one.parent.vendor_name if one.parent else ""),
            )


def _connector(
    manifest: Manifest,
    name: str,
    native: list[Stream],
    pieces: Mapping[str, Piece],
    reasons: dict[str, tuple[Reason, ...]],
) -> Connector | None:
    """Make the connector; a stream with which it would contradict itself gets that as reason."""
    try:
        return _made(manifest, name, native, pieces)
    except ValueError:
        for one in native:
            chain = [one]
            while chain[0].parent:
                chain.insert(0, chain[0].parent)
            try:
                _made(manifest, name, chain, pieces)
            except ValueError as error:
                reasons[one.vendor_name] = (Reason("a contradiction", str(error)),)
    _drop_orphans(native, reasons)
    kept = [one for one in native if one.vendor_name not in reasons]
    try:
        return _made(manifest, name, kept, pieces) if kept else None
    except ValueError as error:
        reasons.update({one.vendor_name: (Reason("a contradiction", str(error)),) for one in kept})
        return None


def _made(manifest: Manifest, name: str, native: Sequence[Stream], pieces: Mapping[str, Piece]) -> Connector:
    chosen = {one: pieces[one.vendor_name] for one in native}
    for one in {one.parent for one in native if one.parent and one.parent.cursor}:
        # A child has no cursor: whether its rows changed does not show in those of its parent.
        chosen[one] = joined([chosen[one], Piece(options={"separate_children": True})])
    attempts = max((piece.attempts for piece in chosen.values()), default=ATTEMPTS)
    retried = frozenset(status for piece in chosen.values() for status in piece.retried)
    lookbacks = [shortest(piece.lookback, what="lookback_window") for piece in chosen.values() if piece.lookback]
    base, usual = write_text(native[0].base_url, native[0]), Retry()
    config = {
        "client": {"base_url": base},
        "resources": [
            {"name": one.name, **piece.definition, "endpoint": dict(piece.endpoint)} for one, piece in chosen.items()
        ],
    }
    return Connector(
        name=name,
        description=manifest.description or f"{manifest.name}, read as its manifest says",
        config=cast(RESTAPIConfig, config),
        schema={one.name: declare_columns(one, manifest.folder) for one in native},
        resources={one.name: ResourceOptions(**piece.options) for one, piece in chosen.items() if piece.options},
        retry=Retry(statuses=usual.statuses | retried, attempts=attempts),
        ignored_responses={"": "none"},
        lookback=max((Connector.lookback, *lookbacks)),
    )


def _described(streams: Iterable[Stream], reasons: Mapping[str, tuple[Reason, ...]]) -> Iterator[TranslatedStream]:
    for one in streams:
        why = reasons.get(one.vendor_name, ())
        engine: Engine = "none" if why else "native"
        yield TranslatedStream(name=one.name, vendor_name=one.vendor_name, engine=engine, reasons=why)


def _undescribed(manifest: Manifest) -> Iterator[TranslatedStream]:
    """Describe what is no plain stream."""
    others: list[Component] = [one for one in manifest.streams if one.get("type") != "DeclarativeStream"]
    others += [{"type": "DynamicDeclarativeStream", "name": "dynamic"}] * manifest.dynamic
    for one in others:
        kind, vendor_name = str(one.get("type")), str(one.get("name") or one.get("type"))
        reason = Reason(KINDS.get(kind, "a kind of stream"), kind)
        yield TranslatedStream(name=identifier(vendor_name), vendor_name=vendor_name, engine="none", reasons=(reason,))
