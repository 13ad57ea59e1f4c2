"""The values of the placeholders of a connector: its address and its credentials, from dlt's configuration."""

import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

import dlt

from connectors_dagster.config.look_up import look_up
from connectors_dagster.config.settings import environment_name, setting_path
from connectors_dagster.config.values import check, first_given
from connectors_dagster.errors import SettingError
from connectors_dagster.secrets.spellings import SHORTEST
from connectors_dagster.spec.computed import Computed, find_computed, with_computed
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.placeholders import (
    REQUIRED,
    Secret,
    Setting,
    as_text,
    fill_placeholders,
    find_placeholders,
)
from connectors_dagster.spec.resource import Resource

log = logging.getLogger(__name__)


class MissingSettingsError(SettingError):
    """Some settings of a connector have no value; the message lists all of them."""

    def __init__(self, connector: Connector, missing: Iterable[Setting]) -> None:
        """List each missing setting as an environment variable and as TOML."""
        lines = [
            f"  {environment_name(connector, name)}   or   {_toml_name(connector, name)}{_said(name)}"
            for name in missing
        ]
        super().__init__("\n".join([f"{connector.name}: not configured; set:", *lines]))


def read_settings(connector: Connector) -> dict[Setting, Any]:
    """Read all settings of a connector, text without blanks and line breaks around it.

    The values have the types that are declared; a date is text, and an optional setting without a value is None, and
    so is one of authentication that is not chosen.

    Raises:
        MissingSettingsError: some settings have no value; the message lists all of them.
        SettingError: a value has a line break or another control character inside, or is not as it is declared.
    """
    values = {setting: read_setting(connector, setting) for setting in connector.settings}
    if connector.shop and not _has_own(connector):
        raise MissingSettingsError(connector, connector.needed_settings(values))
    if missing := [setting for setting in connector.needed_settings(values) if values[setting] is REQUIRED]:
        raise MissingSettingsError(connector, missing)
    values = {setting: None if value is REQUIRED else value for setting, value in values.items()}
    values = _with_computed(connector, connector.computed(values), values)
    for setting, value in values.items():
        if isinstance(setting, Secret) and isinstance(value, str) and 0 < len(value) < SHORTEST:
            name = environment_name(connector, setting)
            log.warning("%s has fewer than %d characters: secrets this short are not masked", name, SHORTEST)
    return values


def read_setting(connector: Connector, setting: Setting) -> Any:
    """Read a setting as the type that is declared, or else its default; `REQUIRED` if it must be given and is not.

    Raises:
        SettingError: names the environment variable and what is allowed; the value of a secret is not shown.
    """
    found = _value(connector, setting)
    if found is None or (not setting.required and str(found).strip() == ""):
        return setting.default
    if isinstance(found, str):
        found = _trimmed(connector, setting, found)
    hidden, path = isinstance(setting, Secret), setting_path(connector, setting)
    if setting.type is list and isinstance(found, str):
        found = [item.strip(" []\"'") for item in found.split(",") if item.strip()]
    value = check(path, list[str] if setting.type is list else setting.type, found, hidden=hidden)
    for one in value if isinstance(value, list) else [value]:
        if setting.choices and one not in setting.choices:
            shown = "cannot be used" if hidden else f"is {one!r}"
            allowed = ", ".join(map(as_text, setting.choices))
            raise SettingError(f"{environment_name(connector, setting)} {shown}: it must be one of {allowed}")
    if isinstance(value, float) and value.is_integer():
        return int(value)  # in a request, 100 is not 100.0
    return value.isoformat() if isinstance(value, date) else value


def check_declared_settings(connector: Connector) -> None:
    """Read the settings that are no secrets and have a type or choices, so that a wrong one is found early.

    Raises:
        SettingError: names the environment variable, the value and what is allowed.
    """
    for setting in connector.settings:
        if not isinstance(setting, Secret) and (setting.type is not str or setting.choices):
            read_setting(connector, setting)


def known_secrets(connector: Connector) -> tuple[str, ...]:
    """Read the secrets of a connector that have a value, even if other settings are missing."""
    read = ((setting, _value(connector, setting)) for setting in connector.settings)
    found = {setting: value for setting, value in read if value is not None}
    with suppress(KeyError, SettingError):  # without all settings, nothing is computed, and nothing is sent
        found = _with_computed(connector, connector.computed(found), found)
    return secret_values(found)


def is_configured(connector: Connector) -> bool:
    """Return whether every setting of a connector that must be given has a value."""
    found = {setting: _value(connector, setting) for setting in connector.settings}
    if connector.shop and not _has_own(connector):
        return False
    return all(found[setting] is not None for setting in connector.needed_settings(found) if setting.required)


def secret_values(values: Mapping[Setting, Any]) -> tuple[str, ...]:
    """List the values that must never be shown."""
    found = (value for setting, value in values.items() if _is_hidden(setting) and value)
    return tuple(str(one) for value in found for one in (value if isinstance(value, list) else [value]))


def base_url(connector: Connector, resource: Resource | None = None) -> str | None:
    """Read the base URL of a connector's API, or of a resource of it; None if a setting that it needs is missing."""
    address = resource.base_url if resource else connector.config["client"]["base_url"]
    declared = {one: one for one in connector.settings}
    values = {one: read_setting(connector, declared[one]) for one in find_placeholders(address)}
    if any(value is REQUIRED for value in values.values()):
        return None
    return str(fill_placeholders(address, _with_computed(connector, find_computed(address), values))).strip()


def missing_for_base_url(connector: Connector) -> list[str]:
    """Return the environment variables of the settings that the base URL needs and that have no value."""
    needed = set(find_placeholders(connector.config["client"]["base_url"]))
    found = (one for one in connector.settings if one in needed and read_setting(connector, one) is REQUIRED)
    return [environment_name(connector, one) for one in found]


def described_values(values: Mapping[Setting, Any]) -> str:
    """Describe the values of the settings that are declared with a type, choices or a default; no secrets."""
    plain = (one for one in values if not isinstance(one, Secret | Computed))
    declared = (one for one in plain if one.declaration != Setting(one).declaration)
    shown = ((one, "left out" if values[one] is None else as_text(values[one])) for one in declared)
    return ", ".join(f"{one} = {value}{' (default)' if values[one] == one.default else ''}" for one, value in shown)


def _with_computed(
    connector: Connector, computed: Iterable[Computed], values: Mapping[Setting, Any]
) -> dict[Setting, Any]:
    try:
        return with_computed(computed, values)
    except ValueError as error:
        raise SettingError(f"{connector.name}: a setting has a value that does not fit: {error}") from None


def _is_hidden(setting: Setting) -> bool:
    return setting.secret if isinstance(setting, Computed) else isinstance(setting, Secret)


def _has_own(connector: Connector) -> bool:
    """Return whether a shop has a setting of its own: else it would be read with the account of another."""
    return any(_value_in(connector.sections[0], setting) not in (None, "") for setting in connector.settings)


def _value(connector: Connector, setting: Setting) -> Any:
    """Return what is given for a shop, or else for all shops; secrets belong to one shop, lest accounts be confused."""
    sections = connector.sections[:1] if isinstance(setting, Secret) else connector.sections
    return first_given(_value_in(section, setting) for section in sections)


def _value_in(section: str, setting: Setting) -> Any:
    name = f"sources.{section}.{setting}"
    # With `str` as its type, dlt would write a secret into the trace that it keeps with every load package.
    value: Any = dlt.secrets.get(name) if isinstance(setting, Secret) else look_up(name)
    return str(value) if value is not None and setting.type is str else value


def _said(setting: Setting) -> str:
    """Return what is declared about a setting, as a remark behind its name."""
    said = [setting.description, f"one of {', '.join(map(as_text, setting.choices))}" if setting.choices else ""]
    return f"   ({'; '.join(filter(None, said))})" if any(said) else ""


def _trimmed(connector: Connector, setting: Setting, value: str) -> str:
    """Return a value as it is sent: copied keys often come with a line break."""
    name, inner = environment_name(connector, setting), value.strip()
    if re.search(r"[\x00-\x1f\x7f]", inner):
        raise SettingError(f"{name}: has a line break or another control character inside: write it on one line")
    if inner != value:
        log.warning("%s has blanks or line breaks around its value; they are not sent", name)
    return inner


def _toml_name(connector: Connector, setting: Setting) -> str:
    file = "secrets.toml" if isinstance(setting, Secret) else "config.toml"
    return f".dlt/{file}: [sources.{connector.sections[0]}] {setting} = …"
