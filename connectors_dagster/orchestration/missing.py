"""Plans for what is missing or incomplete, as the schedule would ask for it."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.backlog import backlog
from connectors_dagster.orchestration.partitions import open_windows
from connectors_dagster.orchestration.runs import Plan
from connectors_dagster.orchestration.selection import Selected


def plan_missing(
    instance: dg.DagsterInstance, selected: Selected, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[Plan]:
    """Plan what the schedules of the connectors would request now, of the selected resources and of a time."""
    now = clock.now()
    for assets, members in selected.items():
        grid = assets.grid
        if assets.has_windows:
            open_windows(instance, grid, now)
        for plan in backlog(instance, assets, now, among=members):
            windows = [
                window.key
                for window in map(grid.find, plan.windows)
                if (since is None or window.end > since) and (until is None or window.start < until)
            ]
            if bool(windows) == bool(plan.windows):
                yield Plan(assets, plan.resources, windows)
