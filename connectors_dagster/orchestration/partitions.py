"""Windows as dynamic partitions, and the sensors that add them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import dagster as dg

from connectors_dagster.compat.dagster_pools import unlimited_pools
from connectors_dagster.config.settings import environment_name
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.spec.resource import Resource
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


def starts_in_future(
    selected: Mapping[ConnectorAssets, Sequence[Resource]], now: datetime
) -> Mapping[ConnectorAssets, str]:
    """Say of each connector that none of its windows has started yet, if any is selected, and what to do."""
    return {
        assets: (
            f"{assets.connector.name}: no window has started, because the start date {assets.grid.start} is in the "
            f"future: change {environment_name(assets.connector, 'start_date')}"
        )
        for assets, resources in selected.items()
        if any(resource.windowed for resource in resources) and not assets.grid.opened(now)
    }


def build_window_sensor(shops: Sequence[ConnectorAssets]) -> dg.SensorDefinition:
    """Build the sensor that adds a partition when its window starts, and reports the window on the assets of the APIs.

    It removes partitions that are no window. The shops that share a job have the same windows.
    """
    name, grid = shops[0].job_name, shops[0].grid

    @dg.sensor(
        name=shops[0].sensor_name,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Adds a partition for every window of {name} that has started, and removes any other.",
    )
    def open_windows_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now = clock.now()
        missing = missing_windows(context.instance, grid, now)
        unknown = unknown_partitions(context.instance, grid, now)
        windows = grid.opened(now)
        noted = not windows or windows[-1].key == context.cursor
        if unknown:
            context.log.warning(f"removed partitions that are no window of {name}: {', '.join(unknown)}")
        if not windows and not unknown:
            return dg.SkipReason(" ".join(starts_in_future({one: one.resources for one in shops}, now).values()))
        if not missing and not unknown and noted:
            return dg.SkipReason(f"All windows that have started have partitions.{_on_pools(context.instance, shops)}")
        return dg.SensorResult(
            # Connectors with the same windows share partitions: another sensor may have added them already.
            dynamic_partitions_requests=[
                *([dg.AddDynamicPartitionsRequest(grid.name, missing)] if missing else []),
                *([dg.DeleteDynamicPartitionsRequest(grid.name, unknown)] if unknown else []),
            ],
            asset_events=[] if noted else [observe_open_window(one.key(one.api), windows) for one in shops],
            cursor=windows[-1].key if windows else None,
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
