"""All connectors: every module beside this one that holds a `connector`, and those that other packages bring."""

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from connectors_dagster.spec.connector import Connector

ENTRY_POINTS = "connectors_dagster.connectors"
"""The group of the entry points by which another package brings connectors."""


def load_connectors() -> dict[str, Connector]:
    """Import every connector of this package, by name in alphabetical order.

    Raises:
        ValueError: a module has no `connector`, or one whose name is not the module's.
    """
    connectors = {}
    for module in iter_modules(__path__):
        connector = getattr(import_module(f"{__name__}.{module.name}"), "connector", None)
        if not isinstance(connector, Connector) or connector.name != module.name:
            raise ValueError(
                f"connectors/{module.name}.py must define `connector = Connector(name={module.name!r}, …)`"
            )
        connectors[connector.name] = connector
    return connectors


def installed_connectors() -> Iterator[tuple[str, Connector]]:
    """Yield every connector that another package brings, each with the entry point that names it.

    Raises:
        ValueError: an entry point leads to nothing that is a connector.
    """
    for entry in entry_points(group=ENTRY_POINTS):
        package = entry.dist.name if entry.dist else "an unknown package"
        where = f"entry point {entry.name!r} of {package}"
        found = list(_connectors_in(_loaded(entry, where)))
        if not found:
            raise ValueError(f"{where}: {entry.value} is not a Connector and not a module or package that has any")
        for connector in found:
            yield where, connector


def _loaded(entry: EntryPoint, where: str) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{where}: {entry.value} cannot be imported: {error}") from error


def _connectors_in(found: Any) -> Iterator[Connector]:
    """Yield a connector, or every one that a module has, or that the modules of a package have."""
    if isinstance(found, Connector):
        yield found
    if isinstance(found, ModuleType):
        modules = [found, *_modules_of(found)]
        connectors = [value for module in modules for value in vars(module).values() if isinstance(value, Connector)]
        yield from {id(connector): connector for connector in connectors}.values()


def _modules_of(package: ModuleType) -> Iterator[ModuleType]:
    for module in iter_modules(getattr(package, "__path__", [])):
        if not module.name.startswith("_"):
            yield import_module(f"{package.__name__}.{module.name}")
