"""A manifest whose addresses lead to the made-up API, and a configuration for it."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from connectors_dagster.airbyte.expressions import config_path
from connectors_dagster.cdk.own_python import without_idle_python
from connectors_dagster.expressions.expression import ExpressionError, known_expression
from tests.parity.moments import read, write

ADDRESS = re.compile(r"https?://")
NOT_ADDRESSES = ("spec", "schema", "schemas", "schema_loader", "metadata", "description")
DATE = re.compile(r"date|start|since|from\b|after|begin", re.IGNORECASE)
END = re.compile(r"(?:^|_)(?:end|until)(?:_|$)|end_?date", re.IGNORECASE)
LONG = timedelta(days=90)
WHOLE_PROPERTY = re.compile(r"\s*\{\{\s*config(?:\.(\w+)|\[['\"]([\w-]+)['\"]\])\s*\}\}\s*")
ONLY_DATE = re.compile(r"^\^?(\[0-9\]|\\d)\{4\}-(\[0-9\]|\\d)\{2\}-(\[0-9\]|\\d)\{2\}\$?$")
PAGE = 20
VALUES: Mapping[str, Any] = {"integer": 5, "number": 2.5, "boolean": True, "array": ["a1", "b2"], "object": {}}


def led_to(manifest: Any, base: str) -> Any:
    """Return a manifest whose hosts are folders of the made-up API: ``https://a.x/v1`` becomes ``<base>/a.x/v1``."""
    if isinstance(manifest, Mapping):
        return {key: value if key in NOT_ADDRESSES else led_to(value, base) for key, value in manifest.items()}
    if isinstance(manifest, list):
        return [led_to(value, base) for value in manifest]
    return ADDRESS.sub(f"{base}/", manifest) if isinstance(manifest, str) else manifest


def with_small_pages(manifest: Any) -> Any:
    """Return a manifest that asks for fewer rows per page, unless it also counts them."""
    if isinstance(manifest, list):
        return [with_small_pages(value) for value in manifest]
    if not isinstance(manifest, Mapping):
        return manifest
    size, stop = manifest.get("page_size"), str(manifest.get("stop_condition"))
    counted = "last_page_size" in stop or re.search(r"[<>]=? *\d", stop)
    smaller = isinstance(size, int) and size > PAGE and not counted
    changed = {"page_size": PAGE} if smaller else {}
    return {key: with_small_pages(value) for key, value in manifest.items()} | changed


def configuration(manifest: Mapping[str, Any], base: str, start: datetime) -> dict[str, Any]:
    """Return a configuration with a value for every property that the `spec` of a manifest declares."""
    spec, streams = (manifest.get("spec") or {}).get("connection_specification") or {}, manifest.get("streams")
    config = dict(_values(spec, set(_hosts(streams)), base, start)) if spec else _without_spec(streams, base)
    for name, form in _forms(streams):
        if isinstance(config.get(name), str) and not _is_read(config[name], form):
            config[name] = write(start + LONG if END.search(name) else start, form)
    return config


def _forms(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the properties that are a time, each with the format in which the manifest reads it."""
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _forms(item)
    if isinstance(value, Mapping) and value.get("type") == "MinMaxDatetime" and value.get("datetime_format"):
        found = WHOLE_PROPERTY.fullmatch(str(value.get("datetime")))
        if found:
            yield found[1] or found[2], str(value["datetime_format"])


def _is_read(value: str, form: str) -> bool:
    try:
        read(value, form)
    except ValueError:
        return False
    return True


def _without_spec(streams: Any, base: str) -> dict[str, Any]:
    """Return a configuration with a text for every property that is read; that of an address is one."""
    config: dict[str, Any] = {}
    hosts = set(_hosts(streams))
    for path in sorted({path for text in _texts(streams) for path in _paths(text)}):
        at = config
        for step in path[:-1]:
            if not isinstance(at.get(step), dict):  # a text until now, of which the manifest also reads a part
                at[step] = {}
            at = at[step]
        name = path[-1]
        at[name] = f"{base}/host-of-{name}" if name in hosts else f"{name.lower().replace('_', '-')}-x7"
    return config


def _texts(value: Any) -> Iterator[str]:
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _texts(item)
    if isinstance(value, str) and "config" in value:
        yield value


def _paths(text: str) -> Iterator[tuple[str, ...]]:
    with suppress(ExpressionError):
        yield from filter(None, map(config_path, known_expression(text).lookups))


def _hosts(value: Any, name: str = "") -> Iterator[str]:
    """Yield the properties that hold a whole address."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key not in NOT_ADDRESSES:
                yield from _hosts(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _hosts(item, name)
    elif isinstance(value, str) and name in ("url_base", "url", "token_refresh_endpoint"):
        found = re.match(r"\s*\{\{\s*config(?:\.(\w+)|\[['\"]([\w-]+)['\"]\])", value)
        if found:
            yield found[1] or found[2]


def _values(spec: Mapping[str, Any], hosts: set[str], base: str, start: datetime) -> Iterator[tuple[str, Any]]:
    for name, hints in (spec.get("properties") or {}).items():
        optional = name not in (spec.get("required") or ())
        if isinstance(hints, Mapping) and not (optional and END.search(str(name))):  # windows end with the present
            yield name, _value(str(name), hints, hosts, base, start)


def _value(name: str, hints: Mapping[str, Any], hosts: set[str], base: str, start: datetime) -> Any:
    inside: dict[str, Any] = {}
    for key in ("oneOf", "anyOf", "allOf"):
        for one in hints.get(key) or ():
            if isinstance(one, Mapping):
                for inner, value in _values(one, hosts, base, start):
                    inside.setdefault(inner, value)
    inside.update(_values(hints, hosts, base, start))
    if inside:
        return inside
    if "const" in hints:
        return hints["const"]
    if hints.get("enum"):
        return hints["default"] if hints.get("default") in hints["enum"] else hints["enum"][0]
    if name in hosts:
        return f"{base}/host-of-{name}"
    kind = hints.get("type", "string")
    kind = next((one for one in (kind if isinstance(kind, list) else [kind]) if one != "null"), "string")
    pattern = str(hints.get("pattern") or "")
    if kind == "string" and (hints.get("format") in ("date", "date-time") or DATE.search(name)):
        start = start + LONG if END.search(name) else start
        by_day = hints.get("format") == "date" or ONLY_DATE.match(pattern)
        return start.strftime("%Y-%m-%d" if by_day else "%Y-%m-%dT%H:%M:%SZ")
    if hints.get("default") not in (None, ""):
        return json.loads(ADDRESS.sub(f"{base}/", json.dumps(hints["default"])))
    return VALUES.get(kind, f"{name.lower().replace('_', '-')}-x7")


def alone(manifest: Mapping[str, Any], stream: Mapping[str, Any], window: tuple[str, str] | None) -> dict[str, Any]:
    """Return a resolved manifest with one stream, which is read for a window if one is given."""
    chosen = dict(stream)
    if window and (written := chosen.get("incremental_sync")):
        form = {"type": "MinMaxDatetime", "datetime_format": "%Y-%m-%dT%H:%M:%S.%fZ"}
        start, end = ({**form, "datetime": moment} for moment in window)
        cursor = {key: value for key, value in written.items() if key != "lookback_window"}
        chosen["incremental_sync"] = {**cursor, "start_datetime": start, "end_datetime": end}
    kept = {key: value for key, value in manifest.items() if key in ("version", "type", "spec")}
    chosen = _without_files(without_idle_python(chosen))
    return {**kept, "check": {"type": "CheckStream", "stream_names": [stream["name"]]}, "streams": [chosen]}


def _without_files(value: Any) -> Any:
    """Return a part of a manifest without the schemas in files beside it, which do not change what is read."""
    if isinstance(value, list):
        return [_without_files(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "JsonFileSchemaLoader":
        return {"type": "InlineSchemaLoader", "schema": {}}
    return {key: _without_files(item) for key, item in value.items()}
