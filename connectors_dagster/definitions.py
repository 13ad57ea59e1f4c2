"""The code location: every enabled connector with its lineage and automation, and what was scaffolded beside them."""

import warnings
from collections.abc import Iterator, Sequence
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
from connectors_dagster.connectors import installed_connectors, load_connectors
from connectors_dagster.orchestration.build import definitions_of
from connectors_dagster.orchestration.component import RestConnector
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
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


def enabled_assets() -> list[ConnectorAssets]:
    """Return the assets of the connectors that configuration enables, by name, wherever they are written."""
    return _enabled(_in_yaml(_component_tree()))


def enabled_connectors() -> list[Connector]:
    """Return the connectors that configuration enables, by name, wherever they are written."""
    return [assets.connector for assets in enabled_assets()]


@dg.definitions
def defs() -> dg.Definitions:
    """Build the definitions; touches no secret, network or disk."""
    tree = _component_tree()
    in_yaml = _in_yaml(tree)
    enabled = _enabled(in_yaml)
    sensor = build_failure_sensor([assets.connector for assets in enabled])
    return dg.Definitions.merge(
        *(definitions_of(assets) for assets in enabled if assets not in in_yaml),
        _scaffolded(tree),
        dg.Definitions(sensors=[sensor], executor=EXECUTOR),
        build_examples(enabled),
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


def _in_yaml(tree: dg.ComponentTree) -> list[ConnectorAssets]:
    return [component.assets for component in components_of(tree, RestConnector)]


def _enabled(in_yaml: Sequence[ConnectorAssets]) -> list[ConnectorAssets]:
    """Return the assets of the enabled connectors by name.

    Raises:
        ValueError: two connectors have the same name; says where both are.
    """
    everything: dict[str, ConnectorAssets] = {}
    places: dict[str, str] = {}
    for place, assets in _everywhere(in_yaml):
        name = assets.connector.name
        if name in places:
            raise ValueError(f"{name}: both in {places[name]} and in {place}; rename one of them")
        everything[name], places[name] = assets, place
    wanted = settings.enabled(everything[name].connector for name in sorted(everything))
    return [everything[name] for name in wanted]


def _everywhere(in_yaml: Sequence[ConnectorAssets]) -> Iterator[tuple[str, ConnectorAssets]]:
    for connector in load_connectors().values():
        yield "connectors/", ConnectorAssets(connector=connector)
    for place, connector in installed_connectors():
        yield place, ConnectorAssets(connector=connector)
    for assets in in_yaml:
        yield "defs/", assets
