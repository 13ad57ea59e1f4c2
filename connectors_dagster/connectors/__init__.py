"""All connectors: every module beside this one that holds a `connector`."""

from importlib import import_module
from pkgutil import iter_modules

from connectors_dagster.spec.connector import Connector


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
