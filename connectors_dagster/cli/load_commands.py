"""The commands that change tables: run."""

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NoReturn

import click

from connectors_dagster.cli.group import main


@main.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--from", "since", type=click.DateTime(), metavar="DATE", help="Load the windows that end after this UTC day."
)
@click.option(
    "--to", "until", type=click.DateTime(), metavar="DATE", help="Load the windows that start before this UTC day."
)
def run(names: Sequence[str], since: datetime | None, until: datetime | None) -> None:
    r"""Load connectors or resources; by default all that are enabled.

    A connector that is named need not be enabled, only configured.

    \b
    Examples:
      connectors run storefront
      connectors run storefront/orders --from 2024-01-01 --to 2024-03-01
    """
    with _uncollected():
        from connectors_dagster.cli.run import materialize
        from connectors_dagster.load import pipeline  # noqa: F401  # the first step would import it

    try:
        summary = materialize(names, since=_utc(since), until=_utc(until))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    _end(bool(summary.errors))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python's garbage collector from scanning the imported modules, which stay in memory anyway."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _end(status: int) -> NoReturn:
    """Exit at once: everything is written and closed, and Python would need half a second to free its objects."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _utc(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day else None
