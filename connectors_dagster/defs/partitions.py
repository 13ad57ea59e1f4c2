"""Windows as dynamic partitions, and the sensor that opens them."""

from collections.abc import Iterable
from datetime import UTC, datetime

import dagster as dg

from connectors_dagster import settings
from connectors_dagster.connector import Connector
from connectors_dagster.window import WindowGrid


def grid_of(connector: Connector) -> WindowGrid:
    """Cut the windows of a connector as configuration says."""
    try:
        return WindowGrid(settings.step(connector), settings.start_date(connector.name))
    except ValueError as error:
        raise ValueError(f"{connector.name}: {error}") from error


def partitions_of(grid: WindowGrid) -> dg.DynamicPartitionsDefinition:
    """Return the partitions of a grid, named after its step and start."""
    return dg.DynamicPartitionsDefinition(name=grid.name)


def open_windows(instance: dg.DagsterInstance, grid: WindowGrid, now: datetime) -> list[str]:
    """Add the windows that have begun since the last time; returns their keys, oldest first."""
    if missing := missing_windows(instance, grid, now):
        instance.add_dynamic_partitions(grid.name, missing)
    return missing


def missing_windows(instance: dg.DagsterInstance, grid: WindowGrid, now: datetime) -> list[str]:
    """List the keys of begun windows that are no partitions yet, oldest first."""
    known = set(instance.get_dynamic_partitions(grid.name))
    return [window.key for window in grid.opened(now) if window.key not in known]


def build_window_sensor(connectors: Iterable[Connector]) -> dg.SensorDefinition:
    """Make the sensor that adds a partition as soon as its window begins."""
    grids = {grid_of(c) for c in connectors if any(r.windowed for r in c.resources.values())}

    @dg.sensor(
        name="open_windows",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Adds a partition for every window that has begun.",
    )
    def open_windows_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now = datetime.now(UTC)
        requests = [
            partitions_of(grid).build_add_request(missing)
            for grid in sorted(grids, key=lambda grid: grid.name)
            if (missing := missing_windows(context.instance, grid, now))
        ]
        if not requests:
            return dg.SkipReason("Every window that has begun is open.")
        return dg.SensorResult(dynamic_partitions_requests=requests)

    return open_windows_sensor
