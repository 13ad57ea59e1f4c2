"""The commands that change tables, and what is recorded of them: run, reset, prune, retype and copy."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from connectors_dagster.cli import process
from connectors_dagster.cli.group import AS_JSON, NAME, NAMES, Name, main
from connectors_dagster.orchestration.paused_collector import paused_collector

DATE = click.DateTime()


@main.command()
@NAMES
@click.option("--from", "since", type=DATE, metavar="DATE", help="Load the windows that end after this UTC day.")
@click.option("--to", "until", type=DATE, metavar="DATE", help="Load the windows that start before this UTC day.")
@click.option("--missing", is_flag=True, help="Load only what is missing; resume windows that are incomplete.")
@click.option("--full", is_flag=True, help="With --missing: read windows from their start.")
@click.option("--page-limit", type=click.IntRange(1), metavar="N", help="A trial: read N pages of each list.")
@click.option("--accept-loss", is_flag=True, help="Allow a load that deletes or marks most of a table.")
@click.option("--checks", is_flag=True, help="Run the asset checks after the load.")
@click.option("--dry-run", is_flag=True, help="Print what would be loaded, and request nothing.")
@AS_JSON
def run(names: Sequence[str], since: datetime | None, until: datetime | None, **options: Any) -> None:
    """Load connectors or resources; by default all that are enabled.

    A connector that is named need not be enabled, only configured. Without
    --missing, all windows are read from their start.

    \b
    Examples:
      connectors run storefront
      connectors run storefront/orders --from 2024-01-01 --to 2024-03-01
      connectors run --missing --checks
      connectors run billing --page-limit 1
    """
    if options["full"] and not options["missing"]:
        raise click.UsageError("--full is for --missing: without it, windows are read from their start anyway")
    with paused_collector():
        from connectors_dagster.cli.run import RunOptions, materialize
        from connectors_dagster.load import pipeline  # noqa: F401  # the first step would import it

    summary = materialize(names, RunOptions(since=_utc(since), until=_utc(until), **options))
    process.end(bool(summary.errors))


@main.command()
@NAME
@click.option("--drop-rows", is_flag=True, help="Also delete the rows that are loaded.")
@click.option("--yes", "sure", is_flag=True, help="Do not ask.")
def reset(name: str, drop_rows: bool, sure: bool) -> None:
    """Forget that a resource was loaded, so that it is loaded again.

    The children that are loaded with it are forgotten too.

    \b
    Examples:
      connectors reset storefront/orders
      connectors reset storefront/orders --drop-rows --yes
    """
    from connectors_dagster.cli.reset import reset as reset_resource

    reset_resource(name, drop_rows=drop_rows, sure=sure)


@main.command()
@click.option("--days", type=click.IntRange(1), default=30, show_default=True, help="Keep runs that ended since then.")
@click.option("--dry-run", is_flag=True, help="Print how many runs would be deleted, and delete nothing.")
def prune(days: int, dry_run: bool) -> None:
    """Delete old runs of connectors from Dagster's storage.

    Runs with the last record of a resource or a window stay, however old:
    they say what was loaded. Rows are not touched.

    \b
    Examples:
      connectors prune --dry-run
      connectors prune --days 90
    """
    from connectors_dagster.cli.prune import prune as prune_runs

    prune_runs(days, dry_run=dry_run)


@main.command()
@click.argument("names", metavar="NAME...", nargs=-1, type=Name(), required=True)
@click.option("--column", "columns", multiple=True, help="Only this column; may be given more than once.")
@click.option("--keep-misfits", is_flag=True, help="Keep values that do not convert as text only, as loads do.")
@click.option("--dry-run", is_flag=True, help="Print what would be changed, and change nothing.")
def retype(names: Sequence[str], **options: Any) -> None:
    """Give columns that are text their declared type, without loss.

    A table keeps the types of its columns. So a field that was loaded as text
    before it was declared with a type stays text, until this command adds a
    column of that type and fills it. The texts stay in a column of their own:
    total__v_text for total. Values that do not convert exactly are refused.

    \b
    Examples:
      connectors retype woocommerce --dry-run
      connectors retype woocommerce/orders
      connectors retype woocommerce/orders --column is_editable
    """
    from connectors_dagster.cli.retype import RetypeOptions, retype_columns

    sys.exit(retype_columns(names, RetypeOptions(**options)))


@main.command("copy")
@click.argument("names", metavar="NAME...", nargs=-1, type=Name(), required=True)
@click.option("--from", "source", required=True, help="The destination with the rows: duckdb, ducklake or postgres.")
def copy_tables(names: Sequence[str], source: str) -> None:
    """Copy tables from another destination to the configured one.

    Rows that the API no longer returns are copied too. The tables must not
    exist there yet. No window counts as loaded there: the next run reads all
    windows, and replaces the rows that the API still has.

    \b
    Examples:
      CONNECTORS__DESTINATION=postgres connectors copy storefront --from duckdb
    """
    from connectors_dagster.cli.copy import copy

    sys.exit(copy(names, source=source))


def _utc(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day else None
