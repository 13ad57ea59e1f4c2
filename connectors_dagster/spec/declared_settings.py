"""The settings of a connector as they are declared: each name once, and used where it can be used."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors_dagster.spec.placeholders import Secret, Setting, Text, find_placeholders

SENT = ("headers", "params", "json", "data")
"""Parts of a request that may lack a field."""
USUAL: Mapping[Any, Any] = {int: 1, float: 1.0, bool: True, list: ["a"]}


def declared_settings(config: Any) -> tuple[Setting, ...]:
    """Return the settings of a configuration in order of appearance, each once, as it is declared.

    Raises:
        ValueError: a name is declared in two ways.
    """
    found: dict[str, Setting] = {}
    for setting in find_placeholders(config):
        known = found.setdefault(str(setting), setting)
        if isinstance(known, Secret) != isinstance(setting, Secret):
            raise ValueError(f"{setting} is both a setting and a secret: use one of the two everywhere")
        plain = Setting(setting).declaration
        if known.declaration == plain:
            found[str(setting)] = setting
        elif setting.declaration not in (known.declaration, plain):
            raise ValueError(f"setting {setting} is declared in two ways: declare it once, and only name it elsewhere")
    return tuple(found.values())


def example_values(settings: Iterable[Setting]) -> dict[Setting, Any]:
    """Return a value for each setting that is no text, with which the rest of a configuration can be checked."""
    found: dict[Setting, Any] = {setting: setting for setting in settings}
    for setting in (one for one in found if one.type in USUAL):
        known = [*setting.choices[:1], *([setting.default] if setting.default_given else [])]
        found[setting] = known[-1] if known else USUAL[setting.type]
    return found


def misplaced_settings(config: Any, settings: Iterable[Setting]) -> Iterator[str]:
    """Describe the settings in places where they cannot be used."""
    optional = {setting for setting in settings if setting.optional}
    for setting in _needed(config):
        if setting in optional:
            yield (
                f"setting {setting} may have no value, but it is used where one is needed: give it a default, or use "
                f"it only in {', '.join(SENT)}, where it can be left out"
            )
    address = config["client"].get("base_url")
    for setting in find_placeholders(address):
        if isinstance(setting, Secret):
            yield f"base_url has the secret {setting}, but the address is shown: put it into auth, headers or path"


def _needed(value: Any) -> Iterator[Setting]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key not in SENT:
                yield from _needed(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _needed(item)
    elif isinstance(value, Setting | Text):
        yield from find_placeholders(value)
