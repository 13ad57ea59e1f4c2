"""The values of the placeholders of a connector: its address and its credentials, from dlt's configuration."""

import logging
import re
from collections.abc import Iterable, Mapping

import dlt

from connectors_dagster.config.settings import environment_name
from connectors_dagster.errors import SettingError
from connectors_dagster.secrets.spellings import SHORTEST
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.placeholders import Secret, Setting

log = logging.getLogger(__name__)


class MissingSettingsError(SettingError):
    """Some settings of a connector have no value; the message lists all of them."""

    def __init__(self, connector: str, missing: Iterable[Setting]) -> None:
        """List each missing setting as an environment variable and as TOML."""
        lines = [f"  {environment_name(connector, name)}   or   {_toml_name(connector, name)}" for name in missing]
        super().__init__("\n".join([f"{connector}: not configured; set:", *lines]))


def read_settings(connector: Connector) -> dict[Setting, str]:
    """Read all settings of a connector, without blanks and line breaks around their values.

    Raises:
        MissingSettingsError: some settings have no value; the message lists all of them.
        SettingError: a value has a line break or another control character inside.
    """
    values = {setting: _value(connector.name, setting) for setting in connector.settings}
    if missing := [setting for setting, value in values.items() if value is None]:
        raise MissingSettingsError(connector.name, missing)
    trimmed = {setting: _trimmed(connector.name, setting, str(value)) for setting, value in values.items()}
    for setting, value in trimmed.items():
        if isinstance(setting, Secret) and 0 < len(value) < SHORTEST:
            name = environment_name(connector.name, setting)
            log.warning("%s has fewer than %d characters: secrets this short are not masked", name, SHORTEST)
    return trimmed


def known_secrets(connector: Connector) -> tuple[str, ...]:
    """Read the secrets of a connector that have a value, even if other settings are missing."""
    found = ((setting, _value(connector.name, setting)) for setting in connector.settings)
    return secret_values({setting: value for setting, value in found if value is not None})


def is_configured(connector: Connector) -> bool:
    """Return whether every setting of a connector has a value."""
    return all(_value(connector.name, setting) is not None for setting in connector.settings)


def secret_values(values: Mapping[Setting, str]) -> tuple[str, ...]:
    """List the values that must never be shown."""
    return tuple(value for setting, value in values.items() if isinstance(setting, Secret) and value)


def base_url(connector: Connector) -> str | None:
    """Read the base URL of a connector's API."""
    address = connector.config["client"]["base_url"]
    value = _value(connector.name, address) if isinstance(address, Setting) else address
    return value and value.strip()


def _value(connector: str, setting: Setting) -> str | None:
    name = f"sources.{connector}.{setting}"
    # With `str` as its type, dlt would write a secret into the trace that it keeps with every load package.
    value = dlt.secrets.get(name) if isinstance(setting, Secret) else dlt.config.get(name, str)
    return None if value is None else str(value)


def _trimmed(connector: str, setting: Setting, value: str) -> str:
    """Return a value as it is sent: copied keys often come with a line break."""
    name, inner = environment_name(connector, setting), value.strip()
    if re.search(r"[\x00-\x1f\x7f]", inner):
        raise SettingError(f"{name}: has a line break or another control character inside: write it on one line")
    if inner != value:
        log.warning("%s has blanks or line breaks around its value; they are not sent", name)
    return inner


def _toml_name(connector: str, setting: Setting) -> str:
    file = "secrets.toml" if isinstance(setting, Secret) else "config.toml"
    return f".dlt/{file}: [sources.{connector}] {setting} = …"
