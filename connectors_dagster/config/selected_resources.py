"""Which resources of a connector are loaded."""

from collections.abc import Sequence

from connectors_dagster.config.settings import configured, environment_name
from connectors_dagster.config.values import names
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.suggestion import suggest


def selected_resources(connector: Connector, select: Sequence[str] | None = None) -> tuple[str, ...]:
    """Read which resources of a connector are loaded: those in `select` by default, or all; ``-name`` leaves one out.

    Without `select`, dlt's `selected: false` in a resource leaves that resource out.

    Raises:
        ValueError: nothing is left to load, or a name is not that of a resource.
    """
    setting = environment_name(connector, "resources")
    given = names(configured(connector, "resources"))
    wanted, where = (given, setting) if given is not None else (select, f"{connector.name}: select")
    if wanted is None:
        chosen = tuple(name for name, one in connector.graph.items() if one.definition.get("selected", True))
        if not chosen:
            raise ValueError(f"{connector.name}: every resource has 'selected: false', so there is nothing to load")
        return chosen
    if not wanted:
        raise ValueError(f"{where} is empty; leave it out to load every resource")
    left_out = {name.removeprefix("-") for name in wanted if name.startswith("-")}
    if left_out and len(left_out) < len(set(wanted)):
        raise ValueError(
            f"{where} names resources to load and, with '-', resources to leave out: name one or the other"
        )
    for name in left_out or wanted:
        if name not in connector.graph:
            hint = suggest(name, connector.graph)
            raise ValueError(f"{where} names {name!r}, which is not a resource of {connector.name}; {hint}")
    # What is read from the rows of a resource that is left out is left out, too.
    kept = {name for name, one in connector.graph.items() if left_out.isdisjoint(above.name for above in one.line)}
    chosen = tuple(name for name in connector.graph if name in (kept if left_out else wanted))
    if not chosen:
        raise ValueError(f"{where} leaves out every resource, so there is nothing to load")
    return chosen


def leave_out(resource: Resource) -> str:
    """Return the setting, with its value, that loads everything but one resource."""
    return f"{environment_name(resource.connector, 'resources')}=-{resource.name}"
