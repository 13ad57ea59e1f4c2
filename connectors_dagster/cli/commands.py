"""The command line: list, check, run, sandbox, demo and dev."""

import gc
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn

import click

# Each command imports what it needs when it runs: importing Dagster takes seconds, help must not.
PORT, SCALE = click.IntRange(1, 65535), click.FloatRange(min=0, min_open=True)


class _PlainErrors(click.Group):
    """Prints errors that users can fix without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            from connectors_dagster.cli.user_errors import explain

            if text := explain(error):
                raise click.ClickException(text) from None
            _end_if_secret()
            raise


def _end_if_secret() -> None:
    """End the process if the traceback of the current error shows a secret, and print it masked."""
    from connectors_dagster.secrets.redaction import redact

    trace = traceback.format_exc()
    if (safe := redact(trace)) != trace:
        click.echo(safe, err=True)
        sys.exit(1)


@click.group(cls=_PlainErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="connectors_dagster")
def main() -> None:
    """Load REST APIs window by window, with dlt and Dagster."""


@main.command("list")
def list_resources() -> None:
    """List resources with their key, cursor, partitions and table."""
    from connectors_dagster.cli.terminal import say, show_table
    from connectors_dagster.load.destination import location
    from connectors_dagster.orchestration.location import load_location

    loaded = load_location()
    rows = [
        (
            assets.connector.name,
            resource.name,
            ", ".join(resource.primary_key),
            resource.cursor_path or "",
            assets.grid.name if resource.windowed else "",
            f"{assets.connector.name}.{resource.name}",
        )
        for assets in loaded.enabled
        for resource in assets.resources
    ]
    if rows:
        show_table(("connector", "resource", "key", "cursor", "partitions", "table"), rows)
    else:
        say("no connector is enabled: set CONNECTORS__ENABLED", style="yellow")
    for broken in loaded.broken:
        say(f"broken  {broken}", style="red")
    say(f"loads into {location()}")
    sys.exit(bool(loaded.broken))


@main.command()
def check() -> None:
    """Check the settings of every enabled connector and make one request to each API."""
    from connectors_dagster.cli.check import check as check_connector
    from connectors_dagster.cli.terminal import say
    from connectors_dagster.errors import ApiError, SettingError
    from connectors_dagster.orchestration.location import load_location

    loaded = load_location()
    for broken in loaded.broken:
        say(f"broken  {broken}", style="red")
    failed = bool(loaded.broken)
    for connector in [assets.connector for assets in loaded.enabled]:
        try:
            say(f"ok      {connector.name}: {check_connector(connector)}", style="green")
        except (ApiError, SettingError) as error:
            say(f"failed  {error}", style="red")
            failed = True
    sys.exit(failed)


@main.command()
@click.argument("selection", nargs=-1)
@click.option(
    "--from", "since", type=click.DateTime(), metavar="DATE", help="Load the windows that end after this UTC day."
)
@click.option(
    "--to", "until", type=click.DateTime(), metavar="DATE", help="Load the windows that start before this UTC day."
)
def run(selection: Sequence[str], since: datetime | None, until: datetime | None) -> None:
    """Materialize SELECTION, such as storefront or storefront/orders; defaults to all enabled connectors."""
    with _uncollected():
        from connectors_dagster.cli.run import materialize
        from connectors_dagster.load import pipeline  # noqa: F401  # the first step would import it

    try:
        summary = materialize(selection, since=_utc(since), until=_utc(until))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    _end(bool(summary.errors))


@main.command()
@click.option("--port", default=8765, show_default=True, type=PORT, help="Port on 127.0.0.1.")
@click.option("--scale", default=1.0, show_default=True, type=SCALE, help="Amount of data: 10 is ten times the rows.")
def sandbox(port: int, scale: float) -> None:
    """Serve the sandbox: one server with an API for each connector."""
    from connectors_dagster.sandbox import serve

    serve(port=port, scale=scale)


@main.command()
@click.option("--scale", default=1.0, show_default=True, type=SCALE, help="Amount of data: 10 is ten times the rows.")
def demo(scale: float) -> None:
    """Load the connectors that are enabled by default from a sandbox into demo.duckdb, and compare the row counts."""
    from connectors_dagster.cli.demo import show_demo

    sys.exit(show_demo(scale=scale))


@main.command()
@click.option("--port", default=3000, show_default=True, type=PORT, help="Port of the Dagster UI on 127.0.0.1.")
def dev(port: int) -> None:
    """Serve the Dagster UI, with a sandbox for connectors that are not configured."""
    from connectors_dagster.cli.demo import serve_ui

    sys.exit(serve_ui(port=port))


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
