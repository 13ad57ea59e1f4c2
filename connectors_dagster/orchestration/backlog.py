"""Find what is left to read of a connector: windows that are incomplete and not queued or running, oldest first."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import dagster as dg

from connectors_dagster.load.inventory import Inventory, take_inventory
from connectors_dagster.orchestration.active_runs import Unfinished, active_windows, find_unfinished
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.metadata import ends_of_reads
from connectors_dagster.orchestration.recorded import reads_by_window
from connectors_dagster.orchestration.runs import Plan
from connectors_dagster.orchestration.window_runs import divide
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Window


def backlog(
    instance: dg.DagsterInstance,
    assets: ConnectorAssets,
    now: datetime,
    *,
    among: Collection[Resource] | None = None,
    unfinished: Unfinished | None = None,
) -> list[Plan]:
    """Plan the runs that bring a connector, or some of its resources, up to date.

    What is already queued or running is left out.

    `unfinished` is what is queued or running, if that is known already.

    Families that need the same windows share a run. Windows come first, oldest first, then resources without windows.
    """
    windows = assets.grid.opened(now)
    inventory = take_inventory(assets.connector.name) if assets.has_windows else None
    busy = active_windows(unfinished or find_unfinished(instance), assets, windows)
    whole: list[Resource] = []
    chunks: dict[tuple[Window, ...], list[Resource]] = defaultdict(list)
    for name, members in assets.families.items():
        family = [resource for resource in members if among is None or resource in among]
        if not family:
            continue
        if not family[0].windowed:
            whole += [] if name in busy else family
            continue
        left = incomplete_windows(instance, assets, family, windows, inventory) - busy.get(name, set())
        for chunk in divide(family[0].root, windows, left):
            chunks[chunk] += family
    plans = [Plan(assets, chunks[chunk], [window.key for window in chunk]) for chunk in sorted(chunks)]
    return [*plans, Plan(assets, whole)] if whole else plans


def incomplete_windows(
    instance: dg.DagsterInstance,
    assets: ConnectorAssets,
    family: Sequence[Resource],
    windows: Sequence[Window],
    inventory: Inventory | None,
) -> set[Window]:
    """Return the windows that at least one resource has not read to the end."""
    reached = [read_until(instance, resource, assets.key(resource), inventory) for resource in family]
    return {w for w in windows if any(w.key not in read or read[w.key] < w.end for read in reached)}


def read_until(
    instance: dg.DagsterInstance, resource: Resource, key: dg.AssetKey, inventory: Inventory | None
) -> Mapping[str, datetime]:
    """Look up until when the last materialization of each window read it, if the destination still holds it."""
    return ends_of_reads(resource, reads_by_window(instance, key), inventory)
