"""Groups of a connector's resources, so that the graph of a connector with many resources can be read."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from connectors_dagster.spec.suggestion import suggest

if TYPE_CHECKING:
    from connectors_dagster.spec.connector import Connector
    from connectors_dagster.spec.resource import Resource


def group_of(resource: "Resource") -> str:
    """Return the group of an asset: ``<connector>_<group>``, or ``<connector>`` if the resource is in none.

    Children that are not named are in the group of their parent.
    """
    connector = resource.connector
    for one in resource.line:
        for group, names in connector.groups.items():
            if one.name in names:
                return f"{connector.name}_{group}"
    return connector.name


def group_problems(connector: "Connector") -> Iterator[str]:
    """Describe groups that Dagster refuses, and resources that do not exist or are in several groups."""
    for group in connector.groups:
        if not re.fullmatch(r"[a-z0-9_]+", group):
            yield f"the group {group!r} must be lower-case letters, digits, underscores"
    named = Counter(name for names in connector.groups.values() for name in names)
    for name, times in named.items():
        if name not in connector.graph:
            yield f"groups has {name!r}, which is not a resource; {suggest(name, connector.graph)}"
        if times > 1:
            yield f"{name!r} is in groups {times} times: a resource is in one group"
