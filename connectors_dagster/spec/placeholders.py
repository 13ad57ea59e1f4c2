"""Placeholders in a connector's configuration for values that are read at run time."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

PLACEHOLDER = re.compile(r"(\{(?:incremental|resources)\.[\w.]+\})")
BODY = ("json", "data")


class Setting(str):
    """A placeholder for the setting with this name under ``sources.<connector>``."""


class Secret(Setting):
    """A placeholder for a setting whose value is never shown."""


def find_placeholders(value: Any) -> Iterator[Setting]:
    """Yield every placeholder inside nested mappings and lists, in order of appearance."""
    if isinstance(value, Setting):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from find_placeholders(item)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            yield from find_placeholders(item)


def fill_placeholders(config: Any, values: Mapping[Setting, str]) -> Any:
    """Return a copy of a configuration with every placeholder replaced by its value."""
    if isinstance(config, Setting):
        return values[config]
    if isinstance(config, Mapping):
        return {key: fill_placeholders(item, values) for key, item in config.items()}
    if isinstance(config, list | tuple):
        return [fill_placeholders(item, values) for item in config]
    return config


def escape_braces(resources: Any) -> Any:
    """Return resources whose request bodies may contain braces of their own, such as GraphQL queries.

    dlt reads braces as placeholders unless they are doubled. Text that has doubled braces is left as it is.
    """
    if isinstance(resources, Mapping) and isinstance(resources.get("endpoint"), Mapping):
        endpoint = resources["endpoint"]
        bodies = {part: _escaped(endpoint[part]) for part in BODY if endpoint.get(part)}
        return {**resources, "endpoint": {**endpoint, **bodies}}
    return [escape_braces(item) for item in resources] if isinstance(resources, list) else resources


def _escaped(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(item) for item in value]
    if not isinstance(value, str) or isinstance(value, Setting) or "{{" in value:
        return value
    parts = PLACEHOLDER.split(value)
    return "".join(part if at % 2 else part.replace("{", "{{").replace("}", "}}") for at, part in enumerate(parts))
