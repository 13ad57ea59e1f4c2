"""The configuration that Airbyte would have, with a setting for each property."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled, config_path
from connectors_dagster.airbyte.manifest import Manifest
from connectors_dagster.airbyte.settings import ALTERNATIVES, Settings
from connectors_dagster.errors import SettingError
from connectors_dagster.spec.placeholders import REQUIRED, Secret, Setting, fill_placeholders

Path = tuple[str, ...]


START, FIRST_DAY, MIDNIGHT = ("start_date",), "2024-01-01", "T00:00:00Z"
DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The properties of a `spec`.

    Args:
        settings: the properties in their places, as placeholders.
        as_json: the paths of those that are written as JSON.
        times: the paths of those that are a time, not a day.
    """

    settings: Mapping[str, Any]
    as_json: frozenset[Path] = frozenset()
    times: frozenset[Path] = frozenset()

    def filled(self, values: Mapping[Setting, Any]) -> dict[str, Any]:
        """Return the values in their places; objects in which nothing is given are left out.

        Raises:
            SettingError: a setting must be JSON and is not.
        """
        found: dict[str, Any] = self._read((), fill_placeholders(self.settings, values)) or {}
        return found

    def given(self, config: Mapping[str, Any]) -> dict[Setting, Any]:
        """Return the settings that a `config.json` of Airbyte has, with their values."""
        return dict(self._given((), self.settings, config))

    def unknown(self, config: Mapping[str, Any]) -> list[Path]:
        """Return the paths of what a `config.json` of Airbyte has and no setting stands for."""
        return list(_unknown((), self.settings, config))

    def _given(self, path: Path, setting: Any, value: Any) -> Iterator[tuple[Setting, Any]]:
        if isinstance(setting, Setting):
            if value is not None:
                yield setting, json.dumps(value) if path in self.as_json and not isinstance(value, str) else value
        elif isinstance(value, Mapping):
            for name, inner in setting.items():
                yield from self._given((*path, name), inner, value.get(name))

    def _read(self, path: Path, value: Any) -> Any:
        if isinstance(value, Mapping):
            items = {key: self._read((*path, key), item) for key, item in value.items()}
            return {key: item for key, item in items.items() if item is not None} or None
        if path in self.times and DAY.fullmatch(str(value)):
            return f"{value}{MIDNIGHT}"
        if path not in self.as_json or not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SettingError(f"the setting {'_'.join(path)} must be JSON") from None


def configuration(manifest: Manifest, declared: Mapping[str, Setting]) -> Configuration:
    """Return the configuration of a manifest; one without a `spec` has the properties that its expressions read.

    `declared` has the settings that other resources of the connector use: they are declared in the same way. A start
    date that must be given is the one that windows begin at.
    """
    config: dict[str, Any] = {}
    as_json, times, settings = set(), set(), Settings(manifest.spec)
    for path in settings.declared or sorted(set(_used(manifest.streams))):
        written, _ = settings.declared.get(path, ({}, False))
        setting, constants = settings.setting(path), _constants(manifest.spec, path)
        if _is_time(written):
            times.add(path)
        if str(setting) in declared:
            setting = declared[str(setting)]
        elif constants:
            setting = _one_of(setting, constants)
        elif _is_json(written):
            setting = _json(setting)
            as_json.add(path)
        elif path == START and setting.required and setting.type is str:
            setting = Setting(setting, default=manifest.start_date or FIRST_DAY, description=setting.description)
        _put(config, path, setting)
    return Configuration(settings=config, as_json=frozenset(as_json), times=frozenset(times))


def _unknown(path: Path, setting: Any, value: Any) -> Iterator[Path]:
    if isinstance(setting, Setting) or value is None:
        return
    if not isinstance(value, Mapping) or not isinstance(setting, Mapping):
        yield path
        return
    for name, inner in value.items():
        yield from _unknown((*path, str(name)), setting.get(name), inner)


def _used(component: Any) -> Iterator[Path]:
    """Yield the paths of the properties that expressions read."""
    if isinstance(component, str) and "config" in component:
        with suppress(NotNativeError):
            yield from filter(None, map(config_path, compiled(component).lookups))
    elif isinstance(component, Mapping | list | tuple):
        for item in component.values() if isinstance(component, Mapping) else component:
            yield from _used(item)


def _constants(schema: Mapping[str, Any], path: Path) -> list[Any]:
    """Return the constants that a property has in the alternatives of a schema, each once."""
    found: list[Any] = []
    for one in (schema, *(one for key in ALTERNATIVES for one in schema.get(key) or () if isinstance(one, Mapping))):
        inner = (one.get("properties") or {}).get(path[0])
        if isinstance(inner, Mapping) and path[1:]:
            found += _constants(inner, path[1:])
        elif isinstance(inner, Mapping) and isinstance(inner.get("const"), str):
            found.append(inner["const"])
    return list(dict.fromkeys(found))


def _one_of(setting: Setting, constants: Sequence[str]) -> Setting:
    """Declare a property that says which alternative is meant."""
    default = constants[0] if len(constants) == 1 and setting.required else setting.default
    default = default if default in (REQUIRED, None, *constants) else REQUIRED
    return Setting(setting, default=default, choices=constants, description=setting.description)


def _is_time(written: Mapping[str, Any]) -> bool:
    return written.get("format") == "date-time" or "T" in str(written.get("pattern") or "")


def _is_json(written: Mapping[str, Any]) -> bool:
    """Tell whether a property is an object, or a list of anything but texts."""
    kinds = written.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    items = written.get("items")
    of_texts = isinstance(items, Mapping) and items.get("type", "string") == "string"
    return "object" in kinds or ("array" in kinds and bool(items) and not of_texts)


def _json(setting: Setting) -> Setting:
    make = Secret if isinstance(setting, Secret) else Setting
    default = None if setting.default_given else setting.default
    return make(setting, default=default, description=f"{setting.description} (as JSON)".strip())


def _put(config: dict[str, Any], path: Path, setting: Setting) -> None:
    at = config
    for step in path[:-1]:
        inner = at.setdefault(step, {})
        if not isinstance(inner, dict):  # another alternative has a value in the place of this object
            return
        at = inner
    at.setdefault(path[-1], setting)
