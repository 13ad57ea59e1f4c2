"""A manifest as a connector: the streams whose features all have a translation, and why the others have none."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from connectors_dagster.airbyte.auth import translate_auth
from connectors_dagster.airbyte.columns import declare_columns
from connectors_dagster.airbyte.connector import build_connector
from connectors_dagster.airbyte.cursor import translate_cursor
from connectors_dagster.airbyte.error_handling import translate_error_handling
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
from connectors_dagster.airbyte.shapes import readable
from connectors_dagster.airbyte.stream import Stream
from connectors_dagster.airbyte.texts import write_text
from connectors_dagster.airbyte.transformations import translate_transformations
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.placeholders import written_placeholders

Feature = Callable[[Stream], Piece]
FEATURES: Mapping[str, Feature] = {
    "fields": check_fields,
    "requests": translate_requests,
    "authentication": translate_auth,
    "pagination": translate_pagination,
    "selection of rows": translate_selection,
    "transformations": translate_transformations,
    "primary key": translate_key,
    "partitions": translate_partitions,
    "cursor": translate_cursor,
    "error handling": translate_error_handling,
}
"""What a stream consists of, in the words of its reasons."""
CONDITIONAL = "ConditionalStreams"
KINDS: Mapping[str, str] = {
    "StateDelegatingStream": "a stream that is read in another way after the first time",
    CONDITIONAL: "streams that a setting chooses",
    "DynamicDeclarativeStream": "streams that are made up when they are read",
}
Engine = Literal["native", "airbyte", "none"]


@dataclass(frozen=True, kw_only=True)
class TranslatedStream:
    """What became of a stream.

    Args:
        name: the name of its resource.
        vendor_name: its name in the manifest.
        engine: ``native`` if requests of ours read it, ``airbyte`` if airbyte-cdk does, else ``none``.
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
        connector: has the streams that can be read as resources; None if there are none.
        streams: all streams of the manifest.
    """

    connector: Connector | None
    streams: tuple[TranslatedStream, ...]


def translate(manifest: Manifest, *, name: str = "") -> Translated:
    """Translate a manifest; `name` is that of the connector, by default the manifest's."""
    streams = plain_streams(manifest)
    found = {one: _translate_stream(one, manifest.folder) for one in streams}
    pieces = {one: piece for one, piece in found.items() if isinstance(piece, Piece)}
    reasons = {one: piece for one, piece in found.items() if not isinstance(piece, Piece)}
    others = tuple(_undescribed(manifest))
    written = {one.name: str(one.reasons[0]) for one in others}
    connector = build_connector(manifest, name or identifier(manifest.name), pieces, reasons, written)
    return Translated(connector=connector, streams=(*_described(streams, reasons), *others))


def plain_streams(manifest: Manifest) -> list[Stream]:
    """Return the streams of a manifest that are no more than streams, each name once."""
    settings, siblings = Settings(manifest.spec, rules=manifest.rules), dict[str, Stream]()
    written = {str(one.get("name")): one for one in manifest.streams if one.get("type") == "DeclarativeStream"}.values()
    names = identifiers(str(one.get("name")) for one in written)
    streams = [
        Stream(
            name=names[str(one.get("name"))],
            vendor_name=str(one.get("name")),
            definition=one,
            settings=settings,
            version=manifest.version,
            siblings=siblings,
        )
        for one in written
    ]
    siblings.update({one.vendor_name: one for one in streams})
    return list(siblings.values())


def _translate_stream(stream: Stream, folder: Path) -> Piece | tuple[Reason, ...]:
    rest: Mapping[str, Feature] = {
        "address": _base_url,
        "schema": lambda one: Piece(columns=declare_columns(one, folder)),
    }
    pieces, reasons = [], []
    for what, feature in (*FEATURES.items(), *rest.items()):
        try:
            with readable(what):
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
    if any(one.optional for one in written_placeholders(written)):
        raise NotNativeError("an address that may be missing", stream.base_url)
    return Piece()


def _described(streams: Iterable[Stream], reasons: Mapping[Stream, tuple[Reason, ...]]) -> Iterator[TranslatedStream]:
    for one in streams:
        why = reasons.get(one, ())
        engine: Engine = "none" if why else "native"
        yield TranslatedStream(name=one.name, vendor_name=one.vendor_name, engine=engine, reasons=why)


def _undescribed(manifest: Manifest) -> Iterator[TranslatedStream]:
    """Describe what is no plain stream."""
    others: list[Component] = [one for one in manifest.streams if one.get("type") != "DeclarativeStream"]
    names = Counter(str(one.get("name")) for one in manifest.streams if one.get("type") == "DeclarativeStream")
    others += [{"type": "a name that several streams have", "name": f"{name} 2"} for name in names if names[name] > 1]
    others += [{"type": "DynamicDeclarativeStream", "name": "dynamic"}] * manifest.dynamic
    for one in others:
        kind, vendor_name = str(one.get("type")), str(one.get("name") or one.get("type"))
        reason = Reason(KINDS.get(kind, kind))
        yield TranslatedStream(name=identifier(vendor_name), vendor_name=vendor_name, engine="none", reasons=(reason,))
