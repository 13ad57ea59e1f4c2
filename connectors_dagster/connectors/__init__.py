"""All connectors: every module of this package defines a `connector`; a project and other packages can have more.

May import spec.
"""

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from connectors_dagster.spec.connector import Connector

ENTRY_POINTS = "connectors_dagster.connectors"
"""The entry point group through which other packages provide connectors."""


def load_connectors() -> dict[str, Connector]:
    """Import every connector of this package, by name in alphabetical order.

    Raises:
        ValueError: a module has no `connector`, or one whose name is not the module's.
    """
    return {name: load_connector(name) for name in connector_names()}


def connector_names() -> list[str]:
    """List the names of the connectors of this package in alphabetical order, without importing them."""
    return [module.name for module in iter_modules(__path__)]


def load_connector(name: str) -> Connector:
    """Import a connector of this package.

    Raises:
        ValueError: its module has no `connector`, or one whose name is not the module's.
    """
    connector = getattr(import_module(f"{__name__}.{name}"), "connector", None)
    if not isinstance(connector, Connector) or connector.name != name:
        raise ValueError(f"connectors/{name}.py must define `connector = Connector(name={name!r}, …)`")
    return connector


def connector_files(folder: Path) -> list[Path]:
    """List the files with a connector in a folder; none in a package, which is somebody else's."""
    return [] if (folder / "__init__.py").exists() else sorted(folder.glob("[!_]*.py"))


def load_file(file: Path) -> list[Connector]:
    """Import the connector of a file that belongs to no package.

    Raises:
        ValueError: the file has no `connector`.
    """
    spec = spec_from_file_location(f"connectors_of_project.{file.stem}", file)
    assert spec and spec.loader
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    connector = getattr(module, "connector", None)
    if not isinstance(connector, Connector):
        raise ValueError(
            "must define `connector = Connector(…)`; a file that is no connector has a name with _ before it"
        )
    return [connector]


def installed_connectors() -> dict[str, EntryPoint]:
    """Find the entry points through which other packages provide connectors, by a readable name."""
    named = {}
    for entry in entry_points(group=ENTRY_POINTS):
        package = entry.dist.name if entry.dist else "an unknown package"
        named[f"entry point {entry.name!r} of {package}"] = entry
    return named


def load_installed(entry: EntryPoint) -> list[Connector]:
    """Import the connectors that an entry point provides.

    Raises:
        ValueError: the entry point does not provide a connector.
    """
    found = list(_connectors_in(_loaded(entry)))
    if not found:
        raise ValueError(f"{entry.value} is not a Connector, nor a module or package that contains one")
    return found


def _loaded(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{entry.value} cannot be imported: {error}") from error


def _connectors_in(found: Any) -> Iterator[Connector]:
    """Yield the connector itself, or all connectors of a module, or of a package and its modules."""
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
