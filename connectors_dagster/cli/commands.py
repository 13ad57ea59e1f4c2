"""The commands that load nothing of yours: list, check, sandbox, demo and dev."""

import sys

import click

from connectors_dagster.cli.group import main

# Each command imports what it needs when it runs: importing Dagster takes seconds, help must not.
PORT, SCALE = click.IntRange(1, 65535), click.FloatRange(min=0, min_open=True)


@main.command("list")
@click.option("--all", "everything", is_flag=True, help="Also list connectors that are not enabled.")
def list_resources(everything: bool) -> None:
    """List resources with their key, cursor, partitions and table."""
    from connectors_dagster.cli.listing import show_list

    sys.exit(show_list(everything=everything))


@main.command()
def check() -> None:
    """Check settings and destination, and request each resource once."""
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
@click.option("--port", default=8765, show_default=True, type=PORT, help="Port on 127.0.0.1.")
@click.option("--scale", default=1.0, show_default=True, type=SCALE, help="Amount of data: 10 is ten times the rows.")
def sandbox(port: int, scale: float) -> None:
    """Serve the sandbox: one server with an API for each connector."""
    from connectors_dagster.sandbox import serve

    serve(port=port, scale=scale)


@main.command()
@click.option("--scale", default=1.0, show_default=True, type=SCALE, help="Amount of data: 10 is ten times the rows.")
def demo(scale: float) -> None:
    """Load sandbox data into demo.duckdb and compare the row counts."""
    from connectors_dagster.cli.demo import show_demo

    sys.exit(show_demo(scale=scale))


@main.command()
@click.option("--port", default=3000, show_default=True, type=PORT, help="Port of the Dagster UI on 127.0.0.1.")
def dev(port: int) -> None:
    """Serve the Dagster UI, with a sandbox for what is not configured."""
    from connectors_dagster.cli.demo import serve_ui

    sys.exit(serve_ui(port=port))
