"""A load from the command line: open the windows, materialize the assets, print a summary."""

from collections.abc import Sequence
from datetime import datetime

from connectors_dagster.cli.terminal import say, show_reads, show_table
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.definitions import defs, enabled_assets
from connectors_dagster.orchestration import runs


def materialize(
    selection: Sequence[str], *, since: datetime | None = None, until: datetime | None = None
) -> runs.Summary:
    """Materialize a selection on the project's Dagster instance and print a summary.

    Raises:
        ValueError: the selection names an unknown connector or resource.
    """
    selected = runs.select(enabled_assets(), selection)
    with runs.open_instance(project_folder()) as instance:
        plans = list(runs.plan(instance, selected, since=since, until=until))
        with show_reads(sum(plan.steps for plan in plans)):
            summary = runs.execute(defs(), instance, plans)
    rows = [(name, line.windows, line.rows, round(line.seconds, 1)) for name, line in summary.lines.items()]
    show_table(("asset", "windows", "rows", "seconds"), rows)
    for error in summary.errors:
        say(error, style="red")
    return summary
