"""The configuration of a resource with the values of its settings."""

from collections.abc import Mapping
from typing import Any

from connectors_dagster.errors import SettingError
from connectors_dagster.http.origin import same_origin
from connectors_dagster.spec.for_each import Each, combinations
from connectors_dagster.spec.placeholders import Setting, fill_placeholders
from connectors_dagster.spec.resource import Resource

OF_THE_ORIGIN = ("auth", "headers")


def filled_client(resource: Resource, values: Mapping[Setting, Any]) -> Mapping[str, Any]:
    """Return the client for a resource; credentials and headers of the connector's client stay at its own origin."""
    client: Mapping[str, Any] = fill_placeholders(resource.connector.config["client"], values)
    address = fill_placeholders(resource.base_url, values)
    stays = resource.options.base_url is None or same_origin(address, client["base_url"])
    return {**{name: part for name, part in client.items() if stays or name not in OF_THE_ORIGIN}, "base_url": address}


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
