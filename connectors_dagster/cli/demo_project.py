"""The demo's own Dagster instance and database, and the commands that use them as long as nothing is configured."""

import os
from pathlib import Path

import click

from connectors_dagster.cli.terminal import say
from connectors_dagster.config.placeholders import is_configured
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.files.private_files import private_files
from connectors_dagster.files.project_files import write_instance
from connectors_dagster.load.destination import duckdb_file
from connectors_dagster.orchestration.instance import default_home, instance_home
from connectors_dagster.orchestration.location import Location

DEMO_FILE = "demo.duckdb"
NOTHING_CONFIGURED = (
    "nothing is configured: `connectors init NAME` asks for the settings of a connector, `connectors demo` loads "
    "made-up rows"
)
_HOME = "demo"


def is_nothing_configured(location: Location) -> bool:
    """Return whether no connector has its settings, enabled or not."""
    return not any(is_configured(assets.connector) for assets in location.known)


def refuse_without_settings(location: Location) -> None:
    """Say what to do instead of naming the settings of every enabled connector.

    Raises:
        ClickException: nothing is configured, and this is not the fault of a broken connector.
    """
    if location.enabled and not location.broken and is_nothing_configured(location):
        raise click.ClickException(NOTHING_CONFIGURED)


def demo_home() -> Path:
    """Return the folder of the demo's Dagster instance, and make it: it is never that of a real shop.

    Raises:
        OSError: the project's folder cannot be written.
    """
    with private_files():
        home = instance_home(project_folder()) / _HOME
        write_instance(home)
    return home


def use_demo(home: Path) -> None:
    """Use the demo's instance in this process, and its database unless the environment names another one."""
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault("DESTINATION__DUCKDB__CREDENTIALS", str(project_folder() / DEMO_FILE))


def follow_demo(location: Location, *, quiet: bool = False) -> bool:
    """Use what `connectors demo` has loaded, and say so, if nothing is configured; return whether that is so."""
    home = default_home(project_folder()) / _HOME
    if not home.is_dir() or not is_nothing_configured(location):
        return False
    use_demo(home)
    if not quiet:
        say(f"No connector is configured: this is the demo, in {duckdb_file()}")
    return True
