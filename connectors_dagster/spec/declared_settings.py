"""The settings of a connector as they are declared: each name once, and used where it can be used."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from connectors_dagster.spec.computed import Computed, find_computed
from connectors_dagster.spec.placeholders import Secret, Setting, Text, find_placeholders, written_placeholders

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


def example_values(settings: Iterable[Setting], config: Any) -> dict[Setting, Any]:
    """Return values for settings, and for what is computed in a configuration, with which the rest can be checked."""
    found: dict[Setting, Any] = {setting: setting for setting in (*settings, *find_computed(config))}
    for setting in (one for one in found if one.type in USUAL):
        known = [*setting.choices[:1], *([setting.default] if setting.default_given else [])]
        found[setting] = known[-1] if known else USUAL[setting.type]
    return found


def misplaced_settings(config: Any, addresses: Sequence[Any], settings: Iterable[Setting]) -> Iterator[str]:
    """Describe the settings in places where they cannot be used; `addresses` are all that requests go to."""
    optional = {setting for setting in settings if setting.optional}
    for setting in (*_needed(config), *_needed(addresses)):
        if setting in optional or (isinstance(setting, Computed) and setting.optional):
            yield (
                f"setting {setting} may have no value, but it is used where one is needed: give it a default, or use "
                f"it only in {', '.join(SENT)}, where it can be left out"
            )
    for setting in find_placeholders(addresses):
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
        yield from written_placeholders(value)
