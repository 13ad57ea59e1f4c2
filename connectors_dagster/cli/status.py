"""The state of each resource: what is loaded, how far it is behind, and what failed last."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from connectors_dagster.cli.demo_project import NOTHING_CONFIGURED, follow_demo, is_nothing_configured
from connectors_dagster.cli.terminal import say, say_beside, show_json, show_table
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.load.destination import build_destination
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.instance import open_instance
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.partitions import starts_in_future
from connectors_dagster.orchestration.selection import select
from connectors_dagster.orchestration.status import ResourceStatus, status_of

HEADS = ("resource", "rows", "last load", "open window", "behind", "missing windows")
UNITS = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("min", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
)


def show_status(names: Sequence[str], *, as_json: bool = False) -> int:
    """Print the state of what is named, or of all enabled connectors; makes no request.

    Returns:
        1 if a connector is broken, else 0.

    Raises:
        UnknownNameError: a name is not a connector or resource.
        SettingError: there is no such destination, so that nothing could be loaded.
    """
    build_destination()
    location, now = load_location(), clock.now()
    selected = select(location, names)
    is_demo = follow_demo(location, quiet=as_json)
    with open_instance(project_folder()) as instance:
        found = [
            status for assets, resources in selected.items() for status in status_of(instance, assets, resources, now)
        ]
    unstarted = starts_in_future(selected, now).values()
    if as_json:
        show_json([_as_json(status, now) for status in found])
        say_beside([*unstarted, *location.broken])
        return int(bool(location.broken))
    if found:
        show_table(HEADS, [_row(status, now) for status in found])
    for said in unstarted:
        say(said, style="yellow")
    for failure, names_of in _failures(found).items():
        say(f"failed  {failure if failure.startswith(names_of[0]) else f'{names_of[0]}: {failure}'}", style="red")
    for broken in location.broken:
        say(f"broken  {broken}", style="red")
    if not is_demo and not location.broken and is_nothing_configured(location):
        say(NOTHING_CONFIGURED, style="yellow")
    return int(bool(location.broken))


def describe_time(span: timedelta) -> str:
    """Write a span of time in its largest unit, such as ``3 h``."""
    unit, length = next(((name, one) for name, one in UNITS if span >= one), UNITS[-1])
    return f"{span // length} {unit}"


def _row(status: ResourceStatus, now: datetime) -> tuple[object, ...]:
    behind = status.behind(now)
    return (
        status.name,
        "" if status.rows is None else f"{status.rows:,}",
        f"{status.last_load:%Y-%m-%d %H:%M}" if status.last_load else "never",
        status.open_window or "",
        describe_time(behind) if behind is not None else "not loaded",
        f"{status.missing_windows}: {status.missing}" if status.missing_windows else "",
    )


def _as_json(status: ResourceStatus, now: datetime) -> dict[str, Any]:
    behind = status.behind(now)
    return {**asdict(status), "behind_seconds": None if behind is None else round(behind.total_seconds())}


def _failures(found: Sequence[ResourceStatus]) -> dict[str, list[str]]:
    """Group the resources by their last failure, because a family fails together."""
    grouped: dict[str, list[str]] = {}
    for status in found:
        if status.last_failure:
            at = f"{status.last_failure.at:%Y-%m-%d %H:%M}"
            grouped.setdefault(f"{status.last_failure.message} ({at} UTC)", []).append(status.name)
    return grouped
