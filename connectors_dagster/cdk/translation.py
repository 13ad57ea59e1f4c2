"""A manifest as a connector, with the streams that airbyte-cdk can read where requests of this project cannot."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from dlt.sources.rest_api.typing import RESTAPIConfig

from connectors_dagster.airbyte.columns import declare_columns
from connectors_dagster.airbyte.connector import common_fields
from connectors_dagster.airbyte.errors import NotNativeError, Reason
from connectors_dagster.airbyte.key import HASH_REMARK
from connectors_dagster.airbyte.manifest import Component, Manifest
from connectors_dagster.airbyte.names import identifier
from connectors_dagster.airbyte.piece import Piece, joined
from connectors_dagster.airbyte.shapes import SHAPE_ERRORS, listed, readable
from connectors_dagster.airbyte.stream import Stream
from connectors_dagster.airbyte.texts import write_text
from connectors_dagster.airbyte.translation import (
    CONDITIONAL,
    KINDS,
    Translated,
    TranslatedStream,
    plain_streams,
    translate,
)
from connectors_dagster.cdk.accepted import accepted
from connectors_dagster.cdk.configuration import Configuration, configuration
from connectors_dagster.cdk.cursor import windows_of
from connectors_dagster.cdk.key import key_piece, partitions_of, paths_of_key
from connectors_dagster.cdk.known_components import check_components
from connectors_dagster.cdk.own_python import own_python, without_idle_python
from connectors_dagster.cdk.schemas import with_schemas
from connectors_dagster.cdk.stream import CdkStream
from connectors_dagster.cdk.tokens import path_of_token
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.options import ResourceOptions
from connectors_dagster.spec.placeholders import Secret, Setting, find_placeholders
from connectors_dagster.spec.windows import shortest

EngineOption = Literal["auto", "native", "airbyte"]
NO_ADDRESS = "https://manifest.invalid"
"""The address of a connector whose streams are all read by airbyte-cdk, if the manifest does not simply say one."""
DELEGATING = "StateDelegatingStream"
WHOLE = "All rows are read each time."


@dataclass(frozen=True, kw_only=True)
class _Read:
    """A stream that airbyte-cdk reads, as a resource."""

    stream: Stream
    program: CdkStream
    piece: Piece
    columns: Any


@dataclass(frozen=True, kw_only=True)
class _Unread:
    """A stream that airbyte-cdk cannot read either, or must not."""

    stream: Stream
    reason: Reason


def translate_with(
    manifest: Manifest,
    *,
    name: str = "",
    engine: EngineOption = "auto",
    trust_python: bool = False,
) -> Translated:
    """Translate a manifest.

    Args:
        manifest: what to translate.
        name: the name of the connector, by default the manifest's.
        engine: with ``auto``, airbyte-cdk reads the streams that are not native, with ``airbyte`` all streams, and with
            ``native`` none.
        trust_python: whether the connector's own Python may run.
    """
    translated = translate(manifest, name=name)
    if engine == "native":
        return translated
    native = None if engine == "airbyte" else translated.connector
    declared = {str(one): one for one in native.settings} if native else {}
    config = configuration(manifest, declared)
    kept = set(native.graph) if native else set()
    inner = {str(one.get("name")): outer for one, outer in _inner(manifest)}
    streams = [one for one in _streams(manifest) if one.name not in kept]
    found = _found(streams, manifest, config, inner, trusted=trust_python)
    connector = _consistent(native, manifest, name or identifier(manifest.name), found)
    reasons = {one: Reason(KINDS[str(outer["type"])]) for one, outer in inner.items()}
    return Translated(connector=connector, streams=tuple(_described(translated.streams, kept, found, reasons)))


def _found(
    streams: Iterable[Stream],
    manifest: Manifest,
    config: Configuration,
    inner: Mapping[str, Component],
    *,
    trusted: bool,
) -> dict[str, "_Read | _Unread"]:
    """Return what becomes of streams, by their names; of several with one name, the first.

    Args:
        streams: the streams.
        manifest: the manifest that has them.
        config: what airbyte-cdk is configured with.
        inner: what is around a stream that is inside of something else, by its vendor name.
        trusted: whether the connector's own Python may run.
    """
    found: dict[str, _Read | _Unread] = {}
    for stream in streams:
        try:
            with readable("what airbyte-cdk needs to know"):
                outer = inner.get(stream.vendor_name) or {}
                read = _read(stream, manifest, config, outer, trust_python=trusted)
                found.setdefault(stream.name, read)
        except NotNativeError as error:
            found.setdefault(stream.name, _Unread(stream=stream, reason=error.reason))
    return found


def _streams(manifest: Manifest) -> Iterator[Stream]:
    """Yield the streams that can be named before they are read."""
    yield from plain_streams(manifest)
    plain = replace(manifest, streams=tuple({"type": "DeclarativeStream", **one} for one, _ in _inner(manifest)))
    yield from plain_streams(plain)


def _inner(manifest: Manifest) -> Iterator[tuple[Component, Component]]:
    """Yield the streams inside of something else, each with that."""
    for written in manifest.streams:
        kind = str(written.get("type"))
        # Without a state, Airbyte reads a stream that depends on it as it does the first time.
        inside = {DELEGATING: [written.get("full_refresh_stream")], CONDITIONAL: written.get("streams")}
        for one in listed(inside.get(kind), kind):
            if isinstance(one, Mapping):
                yield one, written


def _read(stream: Stream, manifest: Manifest, config: Configuration, outer: Component, *, trust_python: bool) -> _Read:
    definition = accepted(with_schemas(without_idle_python(stream.definition), manifest.folder))
    python = own_python(definition, manifest.folder, trusted=trust_python)
    check_components(definition, manifest.version)
    # Read the first time, often by another time than that of the last change: windows would miss changes.
    windows, granularity = (Piece(), 0.0) if outer.get("type") == DELEGATING else windows_of(stream)
    condition = outer.get("condition") if outer.get("type") == CONDITIONAL else None
    key = paths_of_key(stream)
    program = CdkStream(
        version=manifest.version or "0.0.0",
        definition=definition,
        rest=manifest.rest,
        configuration=config,
        condition=None if condition is None else accepted(str(condition)),
        partitions=partitions_of(stream),
        copies={column: path for column, path in key.items() if len(path) > 1},
        windows="start_param" in windows.endpoint.get("incremental", ()),
        granularity=granularity,
        python=python,
        token=path_of_token(stream.definition),
    )
    remarks = [*([] if key else [HASH_REMARK]), *([WHOLE] if stream.cursor and not windows.options else [])]
    path = Piece(endpoint={"path": _path(stream)}, options={"known_limitations": " ".join(remarks)})
    plain = replace(stream, definition={**stream.definition, "primary_key": None})
    columns = declare_columns(plain, manifest.folder)
    return _Read(stream=stream, program=program, piece=joined([windows, key_piece(stream), path]), columns=columns)


def _path(stream: Stream) -> str:
    """Return the path for people; what it is made of is not shown."""
    written = str(stream.requester.get("path") or "/")
    return written if "{" not in written else "/"


def _consistent(
    native: Connector | None, manifest: Manifest, name: str, found: dict[str, "_Read | _Unread"]
) -> Connector | None:
    """Add the streams that are read; one with which the connector contradicts itself becomes one that is not."""
    read = {one: each for one, each in found.items() if isinstance(each, _Read)}
    try:
        return _connector(native, manifest, name, read)
    except SHAPE_ERRORS:
        connector, kept = native, dict[str, _Read]()
    for one, each in read.items():
        try:
            connector = _connector(native, manifest, name, {**kept, one: each})
        except SHAPE_ERRORS as error:
            found[one] = _Unread(stream=each.stream, reason=Reason("a contradiction", str(error)))
        else:
            kept[one] = each
    return connector


def _connector(native: Connector | None, manifest: Manifest, name: str, read: Mapping[str, _Read]) -> Connector | None:
    """Add resources to a connector, or make one of them."""
    if not read:
        return native
    resources = [
        {"name": one, **each.piece.definition, "endpoint": dict(each.piece.endpoint)} for one, each in read.items()
    ]
    lookbacks = [shortest(str(each.piece.lookback)) for each in read.values() if each.piece.lookback]
    base: Connector | None = native
    client = native.config["client"] if native else {"base_url": _address(read)}
    config = {"client": client, "resources": [*(native.config["resources"] if native else ()), *resources]}
    fields: dict[str, Any] = {
        "config": cast(RESTAPIConfig, config),
        "schema": {**(native.tables if native else {}), **{one: each.columns for one, each in read.items()}},
        "resources": {
            **(native.resources if native else {}),
            **{one: ResourceOptions(**each.piece.options) for one, each in read.items()},
        },
        "programs": {one: each.program for one, each in read.items()},
        "lookback": max((base.lookback if base else Connector.lookback, *lookbacks)),
    }
    if native:
        excluded = {one: why for one, why in native.excluded.items() if one not in read}
        return replace(native, **fields, excluded=excluded)
    return Connector(name=name, **common_fields(manifest), **fields)


def _address(read: Mapping[str, _Read]) -> str:
    for each in read.values():
        try:
            written = write_text(each.stream.base_url, each.stream)
        except NotNativeError:
            continue
        known = {str(one): one for one in find_placeholders(each.program.settings)}
        used = list(find_placeholders(written))
        if written and "{" not in written and all(_fits(one, known.get(str(one))) for one in used):
            return written
    return NO_ADDRESS


def _fits(used: Setting, declared: Setting | None) -> bool:
    """Tell whether an address may have a setting, which must be declared as it is for the program."""
    shown = not isinstance(used, Secret) and not used.optional
    return shown and declared is not None and used.declaration == declared.declaration


def _described(
    translated: Sequence[TranslatedStream],
    kept: set[str],
    found: Mapping[str, "_Read | _Unread"],
    inner: Mapping[str, Reason],
) -> Iterator[TranslatedStream]:
    """Say what became of the streams, also of those that are only known here."""
    known = {one.name for one in translated}
    for name, each in found.items():
        if name not in known:
            vendor_name = each.stream.vendor_name
            reasons = (inner[vendor_name],) if vendor_name in inner else ()
            one = TranslatedStream(name=name, vendor_name=vendor_name, engine="none", reasons=reasons)
            yield _with_engine(one, each)
    for one in translated:
        if one.reasons and one.reasons[0].piece == KINDS[CONDITIONAL]:
            continue  # those in it are streams of their own here
        yield one if one.name in kept or one.name not in found else _with_engine(one, found[one.name])


def _with_engine(one: TranslatedStream, each: "_Read | _Unread") -> TranslatedStream:
    if isinstance(each, _Unread):
        return replace(one, engine="none", reasons=tuple(dict.fromkeys((each.reason, *one.reasons))))
    return replace(one, engine="airbyte")
