"""The Dagster UI, with a sandbox to read from as long as nothing is configured."""

import os
import signal
import subprocess
import sys
from contextlib import nullcontext

import click

from connectors_dagster.cli.demo_project import demo_home, is_nothing_configured, use_demo
from connectors_dagster.cli.project import in_writable_folder
from connectors_dagster.cli.sandbox_process import Sandbox, is_free, remembered, sandbox_process
from connectors_dagster.cli.terminal import say
from connectors_dagster.config import placeholders
from connectors_dagster.config.json_logs import logs_are_json
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.files.private_files import OTHERS
from connectors_dagster.files.project_files import workspace_file
from connectors_dagster.load.destination import duckdb_file
from connectors_dagster.orchestration.instance import instance_home, open_instance
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.sandbox import environment


def serve_ui(*, port: int = 3000) -> int:
    """Serve the Dagster UI. If no connector has its settings, all read from the sandbox, on the instance of the demo.

    With a single one that has them, none reads from the sandbox: made-up rows and those of a shop stay apart.

    Raises:
        ClickException: the port is taken, or the folder cannot be written.
    """
    if not is_free(port):
        raise click.ClickException(
            f"port {port} is taken: the UI may already run on http://127.0.0.1:{port}. Otherwise choose another one "
            "with --port"
        )
    with in_writable_folder():
        sandbox = choose_sandbox()
        home = instance_home(project_folder())
    with open_instance(project_folder()):
        pass  # a new one is created here, not by several processes at once
    with sandbox_process(sandbox) if sandbox else nullcontext():
        say(f"Dagster UI on http://127.0.0.1:{port}, instance in {home}")
        # A shell may start this process with SIGINT ignored, and Dagster stops on nothing else.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return _until_interrupted(subprocess.Popen(ui_command(port), cwd=project_folder(), umask=OTHERS))


def ui_command(port: int) -> list[str]:
    """Return the command that serves the Dagster UI; run it in the project folder."""
    workspace = str(workspace_file(project_folder()))
    python = [
        sys.executable,
        "-W",
        "ignore:Function `dev_command` is superseded",
    ]  # `dg dev` needs a project of its own
    log_format = ["--log-format", "json"] if logs_are_json() else []
    return [*python, "-m", "dagster", "dev", "-w", workspace, "-h", "127.0.0.1", "-p", str(port), *log_format]


def choose_sandbox() -> Sandbox | None:
    """Point all settings of this process to a sandbox and to the demo's instance, unless a connector is configured."""
    location = load_location()
    enabled = [assets.connector for assets in location.enabled]
    missing = [connector.name for connector in enabled if not placeholders.is_configured(connector)]
    if not missing:
        return None
    if not is_nothing_configured(location):
        say(f"not configured: {', '.join(missing)}. `connectors init NAME` asks for settings", style="yellow")
        return None
    use_demo(home := demo_home())
    sandbox = remembered(home)
    os.environ.update(environment(sandbox.port))
    say(f"No connector is configured: they read from a sandbox, and rows are loaded into {duckdb_file()}")
    return sandbox


def _until_interrupted(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a process; on SIGTERM send it SIGINT, which `dagster dev` passes on to its children."""
    signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGINT))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the terminal has sent it to the child too
            continue
