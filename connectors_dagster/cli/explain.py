"""What becomes of a manifest of Airbyte: how its streams are read, or why not, and the settings to give."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors_dagster.airbyte.manifest import read_manifest
from connectors_dagster.airbyte.translation import Translated, TranslatedStream
from connectors_dagster.cdk.stream import CdkStream
from connectors_dagster.cdk.translation import translate_with
from connectors_dagster.cdk.written_requests import written_requests
from connectors_dagster.cli.terminal import say, show_json, show_table
from connectors_dagster.config.settings import environment_name
from connectors_dagster.config.values import environment
from connectors_dagster.errors import MaskedError
from connectors_dagster.read.dry_requests import dry_requests
from connectors_dagster.secrets.redaction import MASK
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.dry_request import DryRequest
from connectors_dagster.spec.placeholders import Secret, Setting
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Window, shortest

EXAMPLE = datetime(2024, 1, 1, tzinfo=UTC)
"""The beginning of the window whose requests are shown."""
STREAM, SETTING = ("stream", "engine", "key", "cursor", "window"), ("setting", "type", "default", "meaning")

NOT: Mapping[str, str] = {"airbyte": "not native", "none": "not read"}


def show_explanation(path: Path, *, as_json: bool = False) -> int:
    """Print what becomes of the streams of a manifest; makes no request and reads no setting.

    Returns:
        1 if no stream can be read, else 0.

    Raises:
        ManifestError: the file is no manifest.
    """
    manifest = read_manifest(path)
    translated = translate_with(manifest)
    streams = [_stream(one, translated.connector) for one in translated.streams]
    settings = [_setting(one, translated.connector) for one in _settings(translated)] if translated.connector else []
    if as_json:
        show_json({"name": manifest.name, "version": manifest.version, "streams": streams, "settings": settings})
    else:
        _show(translated, streams, settings)
    return int(translated.connector is None)


def _settings(translated: Translated) -> list[Setting]:
    connector = translated.connector
    return sorted(connector.settings, key=lambda one: (not one.required, one)) if connector else []


def _stream(one: TranslatedStream, connector: Connector | None) -> dict[str, Any]:
    resource = connector.graph.get(one.name) if connector and one.engine != "none" else None
    requests, problem = _requests(resource) if resource else ([], None)
    return {
        "stream": one.name,
        "vendor_name": one.vendor_name,
        "engine": one.engine,
        "key": list(resource.primary_key) if resource else [],
        "cursor": resource.cursor_path if resource else None,
        "window": connector.step if connector and resource and resource.windowed else None,
        "parent": resource.parent.name if resource and resource.parent else None,
        "reasons": [str(reason) for reason in one.reasons],
        "requests": [asdict(request) for request in requests],
        "requests_unknown": problem,
    }


def _requests(resource: Resource) -> tuple[list[DryRequest], str | None]:
    """Return the requests of a resource, or why they cannot be shown, such as an address that is none."""
    if isinstance(resource.program, CdkStream):
        return list(written_requests(resource.program.definition)), None
    length = shortest(resource.connector.step, what="step")
    try:
        return dry_requests(resource, Window(EXAMPLE, EXAMPLE + length)), None
    except MaskedError as error:
        return [], str(error)


def _setting(one: Setting, connector: Connector | None) -> dict[str, Any]:
    return {
        "setting": environment_name(connector, one) if connector else environment(f"sources..{one}"),
        "type": "secret" if isinstance(one, Secret) else one.type.__name__,
        "required": one.required,
        "default": None if one.required else _masked(one, one.default),
        "choices": [_masked(one, choice) for choice in one.choices],
        "meaning": one.description,
    }


def _masked(setting: Setting, value: Any) -> Any:
    """Return a value of a setting as it is shown: that of a secret is hidden, if there is one."""
    return MASK if isinstance(setting, Secret) and value else value


def _show(translated: Translated, streams: list[dict[str, Any]], settings: list[dict[str, Any]]) -> None:
    show_table(STREAM, [[_cell(one[head]) for head in STREAM] for one in streams])
    for one in streams:
        for reason in one["reasons"]:
            say(f"{NOT[one['engine']]}  {one['stream']}: {reason}", style="yellow")
    for one in streams:
        for request in one["requests"]:
            say(f"request     {one['stream']}: {_request(request)}")
        if one["requests_unknown"]:
            say(f"no request  {one['stream']}: {one['requests_unknown']}", style="yellow")
    if settings:
        say("")
        show_table(SETTING, [[_cell(_default(one)[head]) for head in SETTING] for one in settings])
    counts = Counter(one.engine for one in translated.streams)
    others = f", airbyte-cdk can read {counts['airbyte']} others (engine: auto)" if counts["airbyte"] else ""
    say(f"{counts['native']} of {len(streams)} streams are native{others}")


def _request(one: Mapping[str, Any]) -> str:
    """Write a request on one line: method, address, headers, body, and what it is repeated for."""
    pairs = [(name, each) for name, value in one["params"].items() for each in _several(value)]
    query = "&".join(f"{name}={value}" for name, value in pairs)
    headers = [f"{name}: {value}" for name, value in one["headers"].items()]
    body = [json.dumps(one["body"], ensure_ascii=False)] if one["body"] else []
    said = [f"{one['method']} {one['url']}{'?' if query else ''}{query}", *headers, *body, *one["repeated"]]
    return "; ".join(said)


def _several(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def _default(one: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, "default": "must be given" if one["required"] else one["default"]}


def _cell(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
