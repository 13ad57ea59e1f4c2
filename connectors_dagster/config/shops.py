"""Shops: several accounts of one API, each read by a connector of its own with settings of its own."""

import re

import dlt

from connectors_dagster.config.explained_settings import OF_A_CONNECTOR
from connectors_dagster.config.values import environment, names
from connectors_dagster.errors import SettingError
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.validation import connector_name_problems

SHOPS = "connectors.shops"


def each_shop(connector: Connector) -> list[Connector]:
    """Return the connector of each configured shop; the connector itself if none is configured.

    Raises:
        SettingError: a shop is listed twice, cannot have its name, or has the name of a setting.
    """
    path = f"{SHOPS}.{connector.name}"
    shops = names(dlt.config.get(path))
    if shops is None:
        return [connector]
    if problem := _problem(connector, shops):
        raise SettingError(f"{environment(path)}: {problem}")
    return [connector.of_shop(shop) for shop in shops]


def _problem(connector: Connector, shops: list[str]) -> str | None:
    if not shops:
        return "is empty: list the names of the shops, or leave it out"
    if twice := [shop for shop in shops if shops.count(shop) > 1]:
        return f"lists {twice[0]!r} twice"
    for shop in shops:
        if shop in OF_A_CONNECTOR or shop in connector.settings:
            return f"lists {shop!r}, which is a setting of {connector.name}: give the shop another name"
        if not re.fullmatch(r"[a-z0-9_]+", shop):
            return f"lists {shop!r}: the name of a shop is lower-case letters, digits, underscores"
        for problem in connector_name_problems(f"{connector.name}_{shop}"):
            return f"lists {shop!r}: {problem}"
    return None
