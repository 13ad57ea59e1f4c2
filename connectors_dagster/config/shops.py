"""Shops: several accounts of one API, each read by a connector of its own with settings of its own."""

import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from connectors_dagster.config.explained_settings import OF_A_CONNECTOR
from connectors_dagster.config.look_up import look_up
from connectors_dagster.config.values import environment, names, sections_in
from connectors_dagster.errors import SettingError
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.validation import connector_name_problems

SHOPS = "connectors.shops"
log = logging.getLogger(__name__)
_left_out: ContextVar[Collection[str]] = ContextVar("left_out", default=())


@contextmanager
def shops_left_out(names: Collection[str]) -> Iterator[None]:
    """Leave shops out of their connector until the end, by names such as ``storefront_nl``."""
    token = _left_out.set(names)
    try:
        yield
    finally:
        _left_out.reset(token)


def each_shop(connector: Connector) -> list[Connector]:
    """Return the connector of each configured shop; the connector itself if none is configured.

    Raises:
        SettingError: a shop is listed twice, cannot have its name, or has the name of a setting.
    """
    path = f"{SHOPS}.{connector.name}"
    written = look_up(path)
    if written is not None and not _is_list(written):
        raise SettingError(f"{environment(path)} is {written!r}: it must be a list of the names of shops")
    shops = names(written)
    if shops is not None and (problem := _problem(connector, shops)):
        raise SettingError(f"{environment(path)}: {problem}")
    for section in sorted(sections_in(f"sources.{connector.name}") - set(shops or ())):
        name = environment(f"sources.{connector.name}.{section}")
        log.warning("%s__… is for no shop: %s lists %s", name, environment(path), ", ".join(shops or ["none"]))
    if shops is None:
        return [connector]
    return [one for one in map(connector.of_shop, shops) if one.name not in _left_out.get()]


def check_shops() -> None:
    """Refuse shops that are listed for no connector.

    Raises:
        SettingError: says how to list them.
    """
    written = look_up(SHOPS)
    if written is not None and not isinstance(written, dict):
        raise SettingError(
            f"{environment(SHOPS)} is {written!r}: name the connector, as in {environment(SHOPS)}__STOREFRONT=nl,de"
        )


def _is_list(written: Any) -> bool:
    return isinstance(written, str) or (isinstance(written, list) and all(isinstance(one, str) for one in written))


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
