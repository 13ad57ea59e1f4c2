"""Placeholders in a connector's configuration for values that are read at run time."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


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
