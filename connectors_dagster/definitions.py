"""The code location: every enabled connector with its lineage and automation, and what was scaffolded beside them."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from connectors_dagster import defs as defs_folder
from connectors_dagster.compat.dagster_internals import (
    build_components,
    component_folder,
    components_of,
    open_component_tree,
)
from connectors_dagster.config import settings
from connectors_dagster.connectors import load_connectors
from connectors_dagster.orchestration.build import build_definitions
from connectors_dagster.orchestration.component import RestConnector
from connectors_dagster.orchestration.examples import build_examples
from connectors_dagster.orchestration.failure_webhook import build_failure_sensor
from connectors_dagster.spec.connector import Connector

# Families of a run overlap, and the seconds it takes to import Dagster and dlt are spent once: the processes
# of all steps are forked from one that has done it.
FAMILIES_AT_ONCE = 4
UNSCAFFOLDED = {"__init__.py", "__pycache__"}
EXECUTOR = dg.multiprocess_executor.configured(
    {
        "max_concurrent": FAMILIES_AT_ONCE,
        "start_method": {
            "forkserver": {"preload_modules": ["connectors_dagster.definitions", "connectors_dagster.load.pipeline"]}
        },
    }
)


def enabled_connectors() -> list[Connector]:
    """Return the connectors that configuration turns on, by name, wherever they are written."""
    return _enabled(_in_yaml(_component_tree()))


@dg.definitions
def defs() -> dg.Definitions:
    """Build the definitions; touches no secret, network or disk."""
    tree = _component_tree()
    in_yaml = _in_yaml(tree)
    connectors = _enabled(in_yaml)
    return dg.Definitions.merge(
        *(build_definitions(connector) for connector in connectors if connector.name not in in_yaml),
        _scaffolded(tree),
        dg.Definitions(sensors=[build_failure_sensor(connectors)], executor=EXECUTOR),
        build_examples(connectors),
    )


def _component_tree() -> dg.ComponentTree:
    """Open the folder of what was scaffolded; the same as in pyproject.toml, which is not there once installed."""
    return open_component_tree(defs_folder, Path(__file__).parents[1])


def _scaffolded(tree: dg.ComponentTree) -> dg.Definitions:
    if {path.name for path in component_folder(tree).iterdir()} <= UNSCAFFOLDED:
        return dg.Definitions()  # to build nothing takes Dagster as long as to build all connectors
    with warnings.catch_warnings():
        # Dagster warns that it uses previews of its own to look into the folder.
        for category in (dg.PreviewWarning, dg.BetaWarning):
            warnings.filterwarnings("ignore", category=category, module=r"dagster\.")
        return build_components(tree)


def _in_yaml(tree: dg.ComponentTree) -> dict[str, Connector]:
    found: dict[str, Connector] = {}
    for component in components_of(tree, RestConnector):
        if component.connector.name in found:
            raise ValueError(f"{component.connector.name}: two components in defs/ have this name")
        found[component.connector.name] = component.connector
    return found


def _enabled(in_yaml: Mapping[str, Connector]) -> list[Connector]:
    in_python = load_connectors()
    if doubles := sorted({*in_python} & {*in_yaml}):
        raise ValueError(f"{', '.join(doubles)}: both in connectors/ and in defs/; rename one of them")
    connectors = dict(sorted({**in_python, **in_yaml}.items()))
    return [connectors[name] for name in settings.enabled(connectors.values())]
