"""A load from the command line: open the windows, materialize the assets, print a summary."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from connectors_dagster.cli.terminal import say, show_reads, show_table
from connectors_dagster.config import placeholders
from connectors_dagster.config.settings import environment_name
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.definitions import definitions_in
from connectors_dagster.errors import SettingError
from connectors_dagster.orchestration import runs
from connectors_dagster.orchestration.location import including, load_location
from connectors_dagster.orchestration.selection import Selected, select


def materialize(names: Sequence[str], *, since: datetime | None = None, until: datetime | None = None) -> runs.Summary:
    """Materialize what is named on the project's Dagster instance and print a summary.

    Without names, all enabled connectors. A connector without all of its settings is an error of the summary; no run
    begins for it.

    Raises:
        ValueError: a name is not a connector or resource, or `since` is not before `until`.
        SettingError: a setting that all connectors share has a value that cannot be used.
    """
    if since and until and since >= until:
        raise ValueError(f"--from {since:%Y-%m-%d} is not before --to {until:%Y-%m-%d}")
    location = load_location()
    selected = select(location, names)
    unconfigured = list(_unconfigured(selected))
    ready = {assets: members for assets, members in selected.items() if placeholders.is_configured(assets.connector)}
    location = including(location, ready)
    summary = runs.Summary()
    if ready:
        with runs.open_instance(project_folder()) as instance:
            plans = list(runs.plan(instance, ready, since=since, until=until))
            _say_what_is_left_out(ready, plans)
            if plans:
                with show_reads(sum(plan.steps for plan in plans)):
                    summary = runs.execute(definitions_in(location), instance, plans)
    elif not selected:
        say("nothing to load: no working connector is enabled, see CONNECTORS__ENABLED", style="yellow")
    summary.errors.extend([*unconfigured, *map(str, location.broken)])
    _show(summary)
    return summary


def _show(summary: runs.Summary) -> None:
    rows = [(name, line.windows, line.rows, round(line.seconds, 1)) for name, line in summary.lines.items()]
    if rows:
        show_table(("asset", "windows", "rows", "seconds"), rows)
    for remark in (*summary.set_aside, *summary.remarks):
        say(remark, style="yellow")
    for error in summary.errors:
        say(error, style="red")


def _unconfigured(selected: Selected) -> Iterator[str]:
    for assets in selected:
        if not placeholders.is_configured(assets.connector):
            try:
                placeholders.read_settings(assets.connector)
            except SettingError as error:
                yield str(error)


def _say_what_is_left_out(selected: Selected, plans: Sequence[runs.Plan]) -> None:
    """Explain why no window of a connector is loaded."""
    planned = {plan.assets.connector.name for plan in plans if plan.windows}
    for assets, resources in selected.items():
        name = assets.connector.name
        if any(resource.windowed for resource in resources) and name not in planned:
            start = environment_name(name, "start_date")
            say(f"{name}: no windows to load, check --from, --to and {start}", style="yellow")
