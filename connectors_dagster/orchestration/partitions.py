"""Windows as dynamic partitions, and the sensors that add them."""

from collections.abc import Sequence
from datetime import datetime

import dagster as dg

from connectors_dagster.compat.dagster_pools import unlimited_pools
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.spec.windows import Window, WindowGrid

UNLIMITED = (
    " These pools have no limit of 1: {pools}. So runs of one family may begin at the same time, and take the place of "
    "others while they wait for each other. Set concurrency.pools.default_limit to 1 in dagster.yaml."
)


def partitions_of(grid: WindowGrid) -> dg.DynamicPartitionsDefinition:
    """Return the partitions of a grid. Their name contains its step and start."""
    return dg.DynamicPartitionsDefinition(name=grid.name)


def open_windows(instance: dg.DagsterInstance, grid: WindowGrid, now: datetime) -> list[str]:
    """Add partitions for the windows that have started and have none; return their keys, oldest first."""
    # Imported here so that listing definitions does not load SQLAlchemy.
    from sqlalchemy.exc import IntegrityError

    if missing := missing_windows(instance, grid, now):
        try:
            instance.add_dynamic_partitions(grid.name, missing)
        except IntegrityError:
            # Another process adds partitions at the same time: add those that are still missing.
            instance.add_dynamic_partitions(grid.name, missing_windows(instance, grid, now))
    return missing


def missing_windows(instance: dg.DagsterInstance, grid: WindowGrid, now: datetime) -> list[str]:
    """List the keys of the windows that have started but have no partition, oldest first."""
    known = set(instance.get_dynamic_partitions(grid.name))
    return [window.key for window in grid.opened(now) if window.key not in known]


def unknown_partitions(instance: dg.DagsterInstance, grid: WindowGrid, now: datetime) -> list[str]:
    """List the partitions that are no window that has started: somebody has typed them in the UI."""
    opened = {window.key for window in grid.opened(now)}
    return [key for key in instance.get_dynamic_partitions(grid.name) if key not in opened]


def build_window_sensor(shops: Sequence[ConnectorAssets]) -> dg.SensorDefinition:
    """Build the sensor that adds a partition when its window starts, and reports the window on the asset of the API.

    It removes partitions that are no window. The shops of a connector share it.
    """
    name, grids = shops[0].job_name, {assets.grid.name: assets.grid for assets in shops}

    @dg.sensor(
        name=shops[0].sensor_name,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Adds a partition for every window of {name} that has started, and removes any other.",
    )
    def open_windows_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now, instance = clock.now(), context.instance
        missing = {name: keys for name, grid in grids.items() if (keys := missing_windows(instance, grid, now))}
        unknown = {name: keys for name, grid in grids.items() if (keys := unknown_partitions(instance, grid, now))}
        windows = {name: opened for name, grid in grids.items() if (opened := grid.opened(now))}
        newest = " ".join(opened[-1].key for opened in windows.values())
        if unknown:
            removed = ", ".join(key for keys in unknown.values() for key in keys)
            context.log.warning(f"removed partitions that are no window of {name}: {removed}")
        if not missing and not unknown and newest == (context.cursor or ""):
            return dg.SkipReason(f"All windows that have started have partitions.{_on_pools(instance, shops)}")
        noted = set((context.cursor or "").split())
        return dg.SensorResult(
            # Connectors with the same windows share partitions: another sensor may have added them already.
            dynamic_partitions_requests=[
                *(dg.AddDynamicPartitionsRequest(name, keys) for name, keys in missing.items()),
                *(dg.DeleteDynamicPartitionsRequest(name, keys) for name, keys in unknown.items()),
            ],
            asset_events=[
                observe_open_window(assets.key(assets.api), windows[assets.grid.name])
                for assets in shops
                if assets.grid.name in windows and windows[assets.grid.name][-1].key not in noted
            ],
            cursor=newest or None,
        )

    return open_windows_sensor


def _on_pools(instance: dg.DagsterInstance, shops: Sequence[ConnectorAssets]) -> str:
    families = [family[0].pipeline_name for assets in shops for family in assets.families.values()]
    unlimited = unlimited_pools(instance, families)
    return UNLIMITED.format(pools=", ".join(unlimited)) if unlimited else ""


def observe_open_window(api: dg.AssetKey, windows: Sequence[Window]) -> dg.AssetObservation:
    """Return an observation of an API: its open window, when that ends, and how many windows there are."""
    window = windows[-1]
    return dg.AssetObservation(
        asset_key=api,
        metadata={
            "open_window": window.key,
            "window_start": dg.MetadataValue.timestamp(window.start),
            "window_end": dg.MetadataValue.timestamp(window.end),
            "windows": len(windows),
        },
    )
