"""How far each resource is loaded, from what Dagster has recorded and what the destination holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from connectors_dagster.compat.dagster_internals import last_materialization, run_failures, step_failure, step_failures
from connectors_dagster.load.inventory import Inventory, take_inventory
from connectors_dagster.orchestration.backlog import read_until
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Window, describe_windows

FAILED_RUNS = 50
"""How many failed runs to look at, newest first."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a resource could not be loaded, and when."""

    at: datetime
    message: str


@dataclass(frozen=True, kw_only=True)
class ResourceStatus:
    """How far a resource is loaded.

    Args:
        name: ``<connector>/<resource>``.
        rows: rows of the table after the last load, if the destination counts them.
        last_load: when it was last loaded; None for never.
        open_window: the key of the newest window; None for a resource without windows.
        read_until: up to which time it has been read.
        missing: windows before the open one that are missing or incomplete, such as ``2024-01-01 to 2024-03-31``.
        missing_windows: how many they are.
        last_failure: the last failure since the last load that succeeded.
    """

    name: str
    rows: int | None
    last_load: datetime | None
    open_window: str | None
    read_until: datetime | None
    missing: str
    missing_windows: int
    last_failure: Failure | None

    def behind(self, now: datetime) -> timedelta | None:
        """Return how old the newest rows may be; None if nothing was loaded."""
        return None if self.read_until is None else max(now - self.read_until, timedelta(0))


def status_of(
    instance: dg.DagsterInstance, assets: ConnectorAssets, resources: Sequence[Resource], now: datetime
) -> Iterator[ResourceStatus]:
    """Find out how far resources of a connector are loaded; makes no request."""
    inventory = take_inventory(assets.connector.name)
    failures = _failures(instance, assets)
    for resource in resources:
        yield _status(instance, assets, resource, inventory, failures, now)


def _status(
    instance: dg.DagsterInstance,
    assets: ConnectorAssets,
    resource: Resource,
    inventory: Inventory | None,
    failures: Mapping[str, Failure],
    now: datetime,
) -> ResourceStatus:
    key = assets.key(resource)
    recorded, loaded = last_materialization(instance, key) or ({}, None)
    rows = recorded.get("dagster/row_count")
    gone = inventory is not None and resource.name.lower() not in inventory.columns
    windows = assets.grid.opened(now) if resource.windowed else []
    read = read_until(instance, resource, key, inventory) if windows else {}
    missing = [window for window in windows[:-1] if not _is_complete(window, read)]
    failure = failures.get(assets.op_name(resource))
    return ResourceStatus(
        name=str(resource),
        rows=None if rows is None or gone else int(str(rows.value)),
        last_load=loaded,
        open_window=windows[-1].key if windows else None,
        read_until=max(read.values(), default=None) if windows else (None if gone else loaded),
        missing=describe_windows(missing),
        missing_windows=len(missing),
        last_failure=failure if failure and (loaded is None or failure.at > loaded) else None,
    )


def _is_complete(window: Window, read: Mapping[str, datetime]) -> bool:
    return window.key in read and read[window.key] >= window.end


def _failures(instance: dg.DagsterInstance, assets: ConnectorAssets) -> Mapping[str, Failure]:
    """Return the newest failure of each step."""
    found: dict[str, Failure] = {}
    for _, run in run_failures(instance, limit=FAILED_RUNS):
        for event, at in _step_failures(instance, run) if run else ():
            step = str(event.step_key)
            if step in assets.families and step not in found:
                found[step] = Failure(at=at, message=step_failure(event))
    return found


def _step_failures(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[tuple[dg.DagsterEvent, datetime]]:
    """Yield the failures of the steps of a run with the time when the run ended."""
    record = instance.get_run_record_by_id(run.run_id)
    if record is not None:
        ended = datetime.fromtimestamp(record.end_time or record.update_timestamp.timestamp(), UTC)
        for event in step_failures(instance, run.run_id)[0]:
            yield event, ended
