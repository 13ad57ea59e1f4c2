"""A load from the command line: open the windows, materialize the assets, print a summary."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors_dagster.cli.terminal import say, show_reads, show_table
from connectors_dagster.config.settings import environment_name
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.definitions import definitions_in
from connectors_dagster.orchestration import runs
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.location import Location, load_location
from connectors_dagster.spec.resource import Resource


def materialize(
    selection: Sequence[str], *, since: datetime | None = None, until: datetime | None = None
) -> runs.Summary:
    """Materialize a selection on the project's Dagster instance and print a summary.

    Raises:
        ValueError: the selection names an unknown connector or resource, or `since` is not before `until`.
        SettingError: a setting that all connectors share has a value that cannot be used.
    """
    if since and until and since >= until:
        raise ValueError(f"--from {since:%Y-%m-%d} is not before --to {until:%Y-%m-%d}")
    location = load_location()
    selected = _select(location, selection)
    with runs.open_instance(project_folder()) as instance:
        plans = list(runs.plan(instance, selected, since=since, until=until))
        _say_what_is_left_out(selected, plans)
        summary = runs.Summary()
        if plans:
            with show_reads(sum(plan.steps for plan in plans)):
                summary = runs.execute(definitions_in(location), instance, plans)
    summary.errors.extend(map(str, location.broken))
    rows = [(name, line.windows, line.rows, round(line.seconds, 1)) for name, line in summary.lines.items()]
    show_table(("asset", "windows", "rows", "seconds"), rows)
    for remark in (*summary.set_aside, *summary.remarks):
        say(remark, style="yellow")
    for error in summary.errors:
        say(error, style="red")
    return summary


def _select(location: Location, selection: Sequence[str]) -> Mapping[ConnectorAssets, Sequence[Resource]]:
    try:
        return runs.select(location.enabled, selection)
    except ValueError as error:
        raise ValueError("\n".join(map(str, (error, *location.broken)))) from None


def _say_what_is_left_out(selected: Mapping[ConnectorAssets, Sequence[Resource]], plans: Sequence[runs.Plan]) -> None:
    """Explain why nothing, or no window of a connector, is loaded."""
    if not selected:
        say("nothing to load: no working connector is enabled, see CONNECTORS__ENABLED", style="yellow")
    planned = {plan.assets.connector.name for plan in plans if plan.windows}
    for assets, resources in selected.items():
        name = assets.connector.name
        if any(resource.windowed for resource in resources) and name not in planned:
            start = environment_name(name, "start_date")
            say(f"{name}: no windows to load, check --from, --to and {start}", style="yellow")
