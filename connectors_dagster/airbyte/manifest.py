"""A manifest: the file, with references and parameters resolved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from connectors_dagster.airbyte.errors import ManifestError
from connectors_dagster.airbyte.parameters import inherit_parameters
from connectors_dagster.airbyte.references import resolve_references
from connectors_dagster.airbyte.settings import check_settings
from connectors_dagster.airbyte.shapes import ODD, SHAPE_ERRORS, described
from connectors_dagster.spec.document_size import check_size
from connectors_dagster.spec.yaml_text import load_yaml

READ = ("streams", "dynamic_streams", "spec", "api_budget", "$parameters")
"""The parts of a manifest that are read; the others are definitions for them, or for tools."""
NO_OBJECT = "a stream that is not written as an object"
Component = Mapping[str, Any]
"""A part of a manifest, with a `type`."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A manifest with everything in its place.

    Args:
        name: of the folder or the file, for messages and as the name of the connector.
        version: of Airbyte's toolkit that it was written for.
        description: what the API is, if the manifest says it.
        streams: the streams, in order.
        dynamic: how many kinds of streams are made up when they are read.
        spec: the JSON schema of its settings.
        rules: how the configuration is changed before it is read.
        rest: what else is in it that applies to all streams.
        folder: where other files of the connector are.
        start_date: start of the first window, an ISO 8601 date, if a user gave one.
        step: length of a window, an ISO 8601 duration, if a user gave one.
    """

    name: str
    version: str
    description: str
    streams: tuple[Component, ...]
    dynamic: int
    spec: Mapping[str, Any]
    rules: Mapping[str, Any]
    rest: Mapping[str, Any]
    folder: Path
    start_date: str | None = None
    step: str | None = None


def read_manifest(path: Path, parse: Callable[[str], Any] = load_yaml) -> Manifest:
    """Read a manifest, or the `manifest.yaml` of a folder.

    Args:
        path: the file or the folder.
        parse: reads YAML, and raises `YAMLError` if it is none.

    Raises:
        ManifestError: there is no such file, or it is no manifest.
    """
    file = path / "manifest.yaml" if path.is_dir() else path
    document = _read(file, parse)
    if not isinstance(document, dict) or not (document.get("streams") or document.get("dynamic_streams")):
        raise ManifestError(f"{file}: is not a manifest of Airbyte: it has no 'streams'")
    try:
        return _resolved(document, file)
    except ManifestError as error:
        raise ManifestError(f"{file}: {error}") from None
    except SHAPE_ERRORS as error:
        raise ManifestError(f"{file}: is {ODD}: {described(error)}") from None


def _resolved(document: dict[str, Any], file: Path) -> Manifest:
    found = resolve_references(document, READ)
    check_size(found)
    resolved = inherit_parameters({"type": "DeclarativeSource", **found})
    written = _object(resolved.get("spec"), "spec")
    spec = _object(written.get("connection_specification"), "spec.connection_specification")
    rules = _object(written.get("config_normalization_rules"), "spec.config_normalization_rules")
    check_settings(spec)
    named_by_folder = file.stem in ("manifest", "connector_manifest")
    return Manifest(
        name=(file.absolute().parent.name if named_by_folder else file.stem).removeprefix("source-"),
        version=str(document.get("version", "")),
        description=" ".join(str(document.get("description") or "").split()),
        streams=tuple(_stream(*one) for one in enumerate(_list(resolved.get("streams"), "streams"), 1)),
        dynamic=len(_list(resolved.get("dynamic_streams"), "dynamic_streams")),
        spec=spec,
        rules=rules,
        rest={name: resolved[name] for name in ("spec", "api_budget") if name in resolved},
        folder=file.absolute().parent,
    )


def _object(written: Any, what: str) -> Component:
    if written and not isinstance(written, dict):
        raise ManifestError(f"{what} is no object, but {str(written)[:100]!r}")
    return written or {}


def _list(written: Any, what: str) -> Sequence[Any]:
    if written and not isinstance(written, list):
        raise ManifestError(f"{what} is no list, but {str(written)[:100]!r}")
    return written or ()


def _stream(number: int, written: Any) -> Component:
    """Return a stream; anything else in its place is one of a kind that is not known."""
    return written if isinstance(written, dict) else {"type": NO_OBJECT, "name": f"stream {number}"}


def _read(file: Path, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(f"{file}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestError(f"{file}: is not YAML that can be read: {error}") from None
