"""A load from the command line: plan it, materialize the assets, print a summary."""

import gc
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import click

from connectors_dagster.cli.demo_project import refuse_without_settings
from connectors_dagster.cli.terminal import say, say_beside, show_json, show_reads, show_table
from connectors_dagster.config import placeholders
from connectors_dagster.config.settings import environment_name
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.definitions import definitions_in
from connectors_dagster.errors import SettingError
from connectors_dagster.load.reachable import wait_for_servers
from connectors_dagster.orchestration import clock, runs
from connectors_dagster.orchestration.check_run import run_checks
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.instance import open_instance
from connectors_dagster.orchestration.location import including, load_location
from connectors_dagster.orchestration.missing import plan_missing
from connectors_dagster.orchestration.partitions import starts_in_future
from connectors_dagster.orchestration.selection import Selected, select


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run of the command line loads, and what it prints.

    Args:
        since: load the windows that end later.
        until: load the windows that start earlier.
        missing: load only what is missing or incomplete, and resume windows where their last read ended.
        full: read windows from their start although `missing` is set.
        page_limit: a trial: maximum pages of each sequence.
        accept_loss: delete or mark rows that the API no longer returns, even if they are most of a table.
        checks: run the asset checks afterwards.
        dry_run: only print what would be loaded.
        as_json: print JSON only.
    """

    since: datetime | None = None
    until: datetime | None = None
    missing: bool = False
    full: bool = False
    page_limit: int | None = None
    accept_loss: bool = False
    checks: bool = False
    dry_run: bool = False
    as_json: bool = False

    @property
    def reading(self) -> Mapping[str, Any]:
        """The fields of `ReadConfig` that differ from its defaults."""
        chosen = {
            "full": None if self.full or not self.missing else False,
            "page_limit": self.page_limit,
            "accept_loss": self.accept_loss or None,
        }
        return {name: value for name, value in chosen.items() if value is not None}


def materialize(names: Sequence[str], options: RunOptions = RunOptions()) -> runs.Summary:
    """Load what is named, see `load`, and print a summary."""
    summary, checked = load(names, options)
    if not options.dry_run:
        show_summary(summary, checked, options, names)
    elif not options.as_json:
        show_remarks(summary)
    else:
        say_beside(summary.errors)
    return summary


def load(names: Sequence[str], options: RunOptions) -> tuple[runs.Summary, list[dict[str, Any]]]:
    """Materialize what is named on the project's Dagster instance; returns also the results of checks.

    Without names, all enabled connectors. A connector without all of its settings is an error of the summary; no run
    begins for it.

    Raises:
        ClickException: the range of time is empty, or nothing is named or configured.
        UnknownNameError: a name is not a connector or resource.
        SettingError: a setting that all connectors share has a value that cannot be used.
        StorageError: Dagster's storage cannot be read or written.
        LoadError, ApiError: a server that the load needs accepts no connection.
    """
    if options.since and options.until and options.since >= options.until:
        raise click.ClickException(f"--from {options.since:%Y-%m-%d} is not before --to {options.until:%Y-%m-%d}")
    # As Ctrl-C does, so that runs are ended in Dagster; by itself, SIGTERM would end the process at once.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    location = load_location()
    selected = select(location, names)
    if not names:
        refuse_without_settings(location)
    ready = {assets: members for assets, members in selected.items() if placeholders.is_configured(assets.connector)}
    location, summary = including(location, ready), runs.Summary()
    checked: list[dict[str, Any]] = []
    if ready:
        with open_instance(project_folder()) as instance:
            unstarted = starts_in_future(ready, clock.now())
            plan = plan_missing if options.missing else runs.plan
            plans = list(plan(instance, ready, since=options.since, until=options.until))
            if not options.as_json:
                _say_what_is_left_out(ready, plans, unstarted, options)
            if options.dry_run:
                _show_plans(plans, as_json=options.as_json)
            elif plans:
                wait_for_servers()
                definitions = definitions_in(location)
                gc.freeze()  # what is loaded by now stays: the collector need not look at it again and again
                with nullcontext() if options.as_json else show_reads(sum(plan.steps for plan in plans)):
                    summary = runs.execute(definitions, instance, plans, reading=options.reading)
                if options.checks:
                    for found in run_checks(definitions, instance, ready):
                        checked.append(asdict(found))
                        if not found.passed:
                            _note(summary, str(found), serious=found.serious)
            summary.remarks |= dict.fromkeys(unstarted.values())
    elif not selected and not options.as_json:
        say("nothing to load: no working connector is enabled, see CONNECTORS__ENABLED", style="yellow")
    summary.errors.extend([*_unconfigured(selected), *map(str, location.broken)])
    return summary, checked


def _note(summary: runs.Summary, text: str, *, serious: bool) -> None:
    if serious:
        summary.errors.append(text)
    else:
        summary.remarks[text] = None


def show_summary(
    summary: runs.Summary, checked: Sequence[Mapping[str, Any]], options: RunOptions, names: Sequence[str] = ()
) -> None:
    """Print the results of a run: a table, what is remarkable, what failed, and what to do about it."""
    if options.as_json:
        assets = {name: asdict(line) for name, line in summary.lines.items()}
        remarks = [*summary.set_aside, *summary.remarks]
        checks = {"checks": checked} if options.checks else {}
        show_json({"assets": assets, "remarks": remarks, **checks, "errors": summary.errors})
        return
    rows = [(name, line.windows, line.rows, round(line.seconds, 1)) for name, line in summary.lines.items()]
    if rows:
        show_table(("asset", "windows", "rows", "seconds"), rows)
    show_remarks(summary)
    if checked:
        say(f"{sum(found['passed'] for found in checked)} of {len(checked)} checks passed")
    if summary.errors:
        command = " ".join(["connectors run", *names, "--missing"])  # without names, only what is enabled is loaded
        say(f"When the cause is mended, `{command}` loads what is missing.", style="yellow")


def show_remarks(summary: runs.Summary) -> None:
    """Print what is remarkable and what failed."""
    for remark in (*summary.set_aside, *summary.remarks):
        say(remark, style="yellow")
    for error in summary.errors:
        say(error, style="red")


def _show_plans(plans: Sequence[runs.Plan], *, as_json: bool) -> None:
    planned: dict[str, list[str]] = {}
    for plan in plans:
        for resource in plan.resources:
            planned.setdefault(str(resource), []).extend(plan.windows)
    if as_json:
        show_json(planned)
    elif planned:
        rows = [
            (name, *((len(keys), min(keys), max(keys)) if keys else ("", "", ""))) for name, keys in planned.items()
        ]
        show_table(("resource", "windows", "first", "last"), rows)
        say("nothing was requested or loaded")
    else:
        say("nothing to load")


def _unconfigured(selected: Selected) -> Iterator[str]:
    for assets in selected:
        if not placeholders.is_configured(assets.connector):
            try:
                placeholders.read_settings(assets.connector)
            except SettingError as error:
                yield f"{error}\n  `connectors init {assets.connector.name}` asks for them"


def _say_what_is_left_out(
    selected: Selected, plans: Sequence[runs.Plan], unstarted: Mapping[ConnectorAssets, str], options: RunOptions
) -> None:
    """Explain why nothing, or no window of a connector, is loaded; what is said of `unstarted` is said elsewhere."""
    if options.missing:
        if not plans and not unstarted:
            say("everything is loaded, queued or running")
        return
    planned = {plan.assets for plan in plans if plan.windows}
    for assets, resources in selected.items():
        if any(resource.windowed for resource in resources) and assets not in {*planned, *unstarted}:
            name, start = assets.connector.name, environment_name(assets.connector, "start_date")
            say(f"{name}: no windows to load, check --from, --to and {start}", style="yellow")
