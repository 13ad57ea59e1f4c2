"""The commands that load nothing of yours: init, new, list, check, status, show, explain, import, sandbox and so on."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from connectors_dagster.cli import process
from connectors_dagster.cli.group import AS_JSON, NAME, NAMES, Name, main
from connectors_dagster.orchestration.paused_collector import paused_collector

# Each command imports what it needs when it runs: importing Dagster takes seconds, help must not.
PORT, SCALE = click.IntRange(1, 65535), click.FloatRange(min=0, min_open=True)


@main.command()
@click.argument("name", type=Name(), required=False)
@click.option("--project", is_flag=True, help="Write the files of a project into this folder.")
def init(name: str | None, project: bool) -> None:
    """Ask for the settings of a connector, write them and check them.

    They go into .dlt/config.toml and .dlt/secrets.toml. What is there stays.

    \b
    Examples:
      connectors init --project
      connectors init woocommerce
    """
    if not name and not project:
        raise click.UsageError("name a connector, or begin a project with --project")
    if project:
        from connectors_dagster.cli.project import begin_project

        begin_project()
    if name:
        from connectors_dagster.cli.init import initialize

        sys.exit(initialize(name))


@main.command()
@click.argument("name")
def new(name: str) -> None:
    """Write a connector for an API of your own, in YAML, to be filled in.

    \b
    Examples:
      connectors new helpdesk
    """
    from connectors_dagster.cli.project import begin_connector

    begin_connector(name)


@main.command("list")
@NAMES
@click.option("--all", "everything", is_flag=True, help="Also list connectors that are not enabled.")
def list_resources(names: Sequence[str], everything: bool) -> None:
    """List resources with their key, cursor, partitions and table."""
    with paused_collector():
        from connectors_dagster.cli.listing import show_list

    process.end(show_list(names, everything=everything))


@main.command()
@NAMES
@AS_JSON
def check(names: Sequence[str], as_json: bool) -> None:
    """Check settings and destination, and request each resource once.

    Without a name, all enabled connectors. The status is 1 if anything is wrong.

    \b
    Examples:
      connectors check
      connectors check woocommerce --json
    """
    with paused_collector():
        from connectors_dagster.cli.check import show_check

    sys.exit(show_check(names, as_json=as_json))


@main.command()
@NAMES
@AS_JSON
def status(names: Sequence[str], as_json: bool) -> None:
    """Show how far each resource is loaded, and what failed last.

    The status is 1 if a connector is broken.

    \b
    Examples:
      connectors status
      connectors status storefront --json
    """
    with paused_collector():
        from connectors_dagster.cli.status import show_status

    process.end(show_status(names, as_json=as_json))


@main.command()
@NAME
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 10_000), help="Number of rows.")
@AS_JSON
def show(name: str, limit: int, as_json: bool) -> None:
    """Show the newest rows of a resource.

    \b
    Examples:
      connectors show storefront/orders
      connectors show storefront/orders --limit 1 --json
    """
    with paused_collector():
        from connectors_dagster.cli.rows import show_rows

    show_rows(name, limit=limit, as_json=as_json)
    process.end(0)


@main.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@AS_JSON
def explain(path: Path, as_json: bool) -> None:
    """Show what becomes of a manifest of Airbyte, without a request.

    For each stream: whether it is native, or can be read by airbyte-cdk (engine: auto), or why not; its key and
    cursor. Then the settings to give. The status is 1 if no stream can be read.

    \b
    Examples:
      connectors explain source-helpdesk
      connectors explain source-helpdesk/manifest.yaml --json
    """
    with paused_collector():
        from connectors_dagster.cli.explain import show_explanation

    process.end(show_explanation(path, as_json=as_json))


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@main.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--name", help="Name of the connector; by default that of the manifest.")
@click.option("--config", type=FILE, help="Airbyte's configuration: its values become settings and secrets.")
@click.option("--catalog", type=FILE, help="Airbyte's configured catalog: its streams, cursors and keys are used.")
@click.option("--state", type=FILE, help="Airbyte's state: windows before its cursors are recorded as read.")
@click.option("--engine", type=click.Choice(["native", "auto", "airbyte"]), default="native", show_default=True)
@click.option("--trust-python", is_flag=True, help="Let the connector's own Python run.")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="Folder of components of your project.")
def import_(path: Path, **given: Any) -> None:
    """Import a connector of Airbyte, with its settings and state.

    \b
    Examples:
      connectors import source-helpdesk
      connectors import source-helpdesk --config config.json --state state.json
    """
    from connectors_dagster.cli.importing import ImportRequest, import_connector

    import_connector(ImportRequest(manifest=path, **given))


@main.command()
@click.option("--port", default=8765, show_default=True, type=PORT, help="Port on 127.0.0.1.")
@click.option("--scale", default=1.0, show_default=True, type=SCALE, help="Amount of data: 10 is ten times the rows.")
@click.option("--quiet", is_flag=True, help="Log problems only.")
@click.option("--env", is_flag=True, help="Only print the settings that read from it, for a shell.")
def sandbox(port: int, scale: float, quiet: bool, env: bool) -> None:
    """Serve the sandbox: one server with an API for each connector.

    \b
    Examples:
      connectors sandbox
      source <(connectors sandbox --env)   in another shell: all read from it
    """
    from connectors_dagster.sandbox import environment, serve

    if env:
        for name, value in environment(port).items():
            click.echo(f"export {name}={shlex.quote(value)}")
    else:
        serve(port=port, scale=scale, quiet=quiet)


@main.command()
@click.option("--scale", default=1.0, show_default=True, type=SCALE, help="Amount of data: 10 is ten times the rows.")
def demo(scale: float) -> None:
    """Load sandbox data into demo.duckdb and compare the row counts."""
    from connectors_dagster.cli.demo import show_demo

    sys.exit(show_demo(scale=scale))


@main.command()
@click.option("--port", default=3000, show_default=True, type=PORT, help="Port of the Dagster UI on 127.0.0.1.")
def dev(port: int) -> None:
    """Serve the Dagster UI, with a sandbox if nothing is configured."""
    from connectors_dagster.cli.dev import serve_ui

    sys.exit(serve_ui(port=port))
