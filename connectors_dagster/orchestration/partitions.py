"""Windows as dynamic partitions, and the sensors that open them."""

from collections.abc import Sequence
from datetime import datetime

import dagster as dg

from connectors_dagster.config import settings
from connectors_dagster.errors import SettingError
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.orphaned_runs import end_orphaned_runs
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.windows import Window, WindowGrid


def grid_of(connector: Connector) -> WindowGrid:
    """Cut the windows of a connector as configuration says.

    Raises:
        SettingError: the step or the start date cannot be used.
    """
    try:
        return WindowGrid(settings.step(connector), settings.start_date(connector.name))
    except ValueError as error:
        names = (settings.environment_name(connector.name, name) for name in ("step", "start_date"))
        raise SettingError(f"{connector.name}: {error}; check {' and '.join(names)}") from error


def partitions_of(grid: WindowGrid) -> dg.DynamicPartitionsDefinition:
    """Return the partitions of a grid, named after its step and start."""
    return dg.DynamicPartitionsDefinition(name=grid.name)


def open_windows(instance: dg.DagsterInstance, grid: WindowGrid, now: datetime) -> list[str]:
    """Add the windows that have begun since the last time; returns their keys, oldest first."""
    # Who only looks at the definitions need not import a database toolkit.
    from sqlalchemy.exc import IntegrityError

    if missing := missing_windows(instance, grid, now):
        try:
            instance.add_dynamic_partitions(grid.name, missing)
        except IntegrityError:
            # Somebody else opens them at this moment: what they have not opened is left.
            instance.add_dynamic_partitions(grid.name, missing_windows(instance, grid, now))
    return missing


def missing_windows(instance: dg.DagsterInstance, grid: WindowGrid, now: datetime) -> list[str]:
    """List the keys of begun windows that are no partitions yet, oldest first."""
    known = set(instance.get_dynamic_partitions(grid.name))
    return [window.key for window in grid.opened(now) if window.key not in known]


def build_window_sensor(assets: ConnectorAssets) -> dg.SensorDefinition:
    """Make the sensor that adds a partition as soon as its window begins, and notes it on the API in the lineage."""
    grid = grid_of(assets.connector)

    @dg.sensor(
        name=f"open_windows_{assets.name}",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Adds a partition for every window of {assets.name} that has begun.",
    )
    def open_windows_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        end_orphaned_runs(context.instance)
        now = clock.now()
        missing = missing_windows(context.instance, grid, now)
        windows = grid.opened(now)
        noted = not windows or windows[-1].key == context.cursor
        if not missing and noted:
            return dg.SkipReason("Every window that has begun is open.")
        return dg.SensorResult(
            # Connectors with the same windows share their partitions: another's sensor may have been here before.
            dynamic_partitions_requests=[dg.AddDynamicPartitionsRequest(grid.name, missing)] if missing else [],
            asset_events=[] if noted else [observe_open_window(assets.key(assets.api), windows)],
            cursor=windows[-1].key if windows else None,
        )

    return open_windows_sensor


def observe_open_window(api: dg.AssetKey, windows: Sequence[Window]) -> dg.AssetObservation:
    """Say of an API which of its windows is open, until when, and how many there are."""
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
