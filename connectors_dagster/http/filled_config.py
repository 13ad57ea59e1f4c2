"""The configuration of a resource with the values of its settings."""

from collections.abc import Mapping
from typing import Any

from connectors_dagster.errors import SettingError
from connectors_dagster.http.origin import same_origin
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.for_each import Each, combinations
from connectors_dagster.spec.options import ResourceOptions
from connectors_dagster.spec.placeholders import Setting, fill_placeholders
from connectors_dagster.spec.resource import Resource

OF_THE_ORIGIN = ("auth", "headers")


def filled_client(resource: Resource, values: Mapping[Setting, Any]) -> Mapping[str, Any]:
    """Return the client for a resource; credentials and headers of the connector's client stay at its own origin."""
    client: Mapping[str, Any] = fill_placeholders(resource.connector.config["client"], values)
    stays, address = _stays(resource, values), fill_placeholders(resource.base_url, values)
    return {**{name: part for name, part in client.items() if stays or name not in OF_THE_ORIGIN}, "base_url": address}


def find_auth(resource: Resource, values: Mapping[Setting, Any]) -> Any:
    """Return the authentication of a resource, with its placeholders; None if it has none.

    It is what the resource has itself, or else what the connector has, which stays at its own origin: a `SessionToken`,
    or what dlt takes as `auth`.
    """
    connector = resource.connector
    levels: list[tuple[ResourceOptions | Connector, Any]] = [(resource.options, resource.endpoint)]
    if _stays(resource, values):
        levels.append((connector, connector.config["client"]))
    for options, config in levels:
        if options.auth_choice:
            return options.auth_choice.chosen(values) or None
        if written := options.session_token or config.get("auth"):
            return written
    return None


def _stays(resource: Resource, values: Mapping[Setting, Any]) -> bool:
    """Return whether a resource is read from the origin of the connector."""
    address, home = resource.options.base_url, resource.connector.config["client"]["base_url"]
    return address is None or same_origin(fill_placeholders(address, values), fill_placeholders(home, values))


def filled_combinations(resource: Resource, values: Mapping[Setting, Any]) -> list[Each]:
    """Return the combinations of values that a resource is requested for.

    Raises:
        SettingError: a list has no values.
    """
    lists: Mapping[str, Any] = fill_placeholders(resource.options.for_each, values)
    for name, found in lists.items():
        if not found:
            raise SettingError(f"{resource}: for_each.{name} has no values, so nothing would be requested")
    return combinations({name: list(dict.fromkeys(found)) for name, found in lists.items()})
