"""Names of connectors and resources as people type them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from connectors_dagster.config.settings import environment_name
from connectors_dagster.errors import MaskedError
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.location import Location
from connectors_dagster.spec.resource import Resource

Selected = Mapping[ConnectorAssets, Sequence[Resource]]
ALL = "`connectors list --all` shows all names"
NEAR = 3
"""Maximum names to suggest for a name that does not exist."""


class UnknownNameError(MaskedError, ValueError):
    """A name is not that of a connector or resource; the message suggests those that resemble it."""


def select(location: Location, names: Sequence[str] = ()) -> Selected:
    """Resolve names such as ``storefront`` or ``storefront/orders``; without names, all enabled connectors.

    A connector that is named need not be enabled.

    Raises:
        UnknownNameError: a name is not a connector or resource; says what is broken of it, or suggests similar ones.
    """
    selected = {
        assets: [r for r in assets.resources if not names or not _names_of(assets, r).isdisjoint(names)]
        for assets in (location.known if names else location.enabled)
    }
    if refused := [_refusal(location, name) for name in names if name not in set(_names(location.known))]:
        raise UnknownNameError("\n".join(dict.fromkeys([*refused, *map(str, location.broken)])))
    return {assets: resources for assets, resources in selected.items() if resources}


def families(selected: Selected) -> Iterator[Sequence[Resource]]:
    """Yield the resources that are selected, family by family."""
    for resources in selected.values():
        for name in dict.fromkeys(resource.pipeline_name for resource in resources):
            yield [resource for resource in resources if resource.pipeline_name == name]


def select_one(location: Location, name: str) -> tuple[ConnectorAssets, Resource]:
    """Find a single resource by its name, such as ``storefront/orders``.

    Raises:
        UnknownNameError: the name is not that of a resource.
    """
    assets, resources = next(iter(select(location, [name]).items()))
    if name in (assets.connector.name, assets.connector.common_name):
        example = resources[-1]
        raise UnknownNameError(f"{name} is a connector: name one of its resources, such as {example}; {ALL}")
    return assets, resources[0]


def select_connector(location: Location, name: str) -> ConnectorAssets:
    """Find a single connector by its name.

    Raises:
        UnknownNameError: the name is not that of a connector, or that of several shops.
    """
    found = list(select(location, [name]))
    if len(found) > 1:
        shops = ", ".join(assets.connector.name for assets in found)
        raise UnknownNameError(f"{name} has several shops: name one of them: {shops}")
    return found[0]


def _refusal(location: Location, name: str) -> str:
    if broken := [str(one) for one in location.broken if name.partition("/")[0] in one.connectors]:
        return "\n".join(broken)
    known = location.known
    names = list(_names(known))
    for assets in known:
        if name in map(str, assets.connector.graph.values()):
            setting = environment_name(assets.connector, "resources")
            return f"{name} is not loaded: {setting}, or the connector itself, leaves it out"
    resources = {known.partition("/")[2] for known in names}
    alike = get_close_matches(name, resources - {""}, n=NEAR, cutoff=0.8)
    near = [*get_close_matches(name, names, n=1), *(known for known in names if known.partition("/")[2] in alike)]
    hint = f"did you mean {' or '.join(list(dict.fromkeys(near))[:NEAR])}? {ALL}" if near else ALL
    return f"{name}: no such connector or resource; {hint}"


def _names_of(assets: ConnectorAssets, resource: Resource) -> set[str]:
    """Return what names a resource: itself, its connector, or the connector of all shops."""
    return {str(resource), assets.connector.name, assets.connector.common_name}


def _names(known: Iterable[ConnectorAssets]) -> Iterator[str]:
    for assets in known:
        yield from {assets.connector.name: None, assets.connector.common_name: None}
        yield from map(str, assets.resources)
