"""The demo: a sandbox in its own process, a load from it, and a comparison of both."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from connectors_dagster.cli.terminal import say, show_table
from connectors_dagster.config import placeholders, settings
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.connectors import load_connectors
from connectors_dagster.files.private_files import OTHERS
from connectors_dagster.load.destination import duckdb_file
from connectors_dagster.sandbox import environment
from connectors_dagster.spec.connector import Connector

DEMO_FILE = "demo.duckdb"
ORDERS = """
    SELECT id, status, currency, total, date_modified_gmt::VARCHAR AS date_modified_gmt,
           json_array_length(line_items) AS line_items
    FROM storefront.orders ORDER BY id LIMIT 5
"""


def show_demo(*, scale: float = 1.0) -> int:
    """Load the connectors that are enabled by default from a sandbox and compare rows with the sandbox's counts.

    Returns:
        0 if every table has the rows that the sandbox serves, else 1.
    """
    os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = str(project_folder() / DEMO_FILE)
    # Whatever the project has configured: the sandbox has no data of connectors of your own.
    os.environ["CONNECTORS__ENABLED"] = ",".join(one.name for one in load_connectors().values() if one.enabled)
    with sandbox_process(scale=scale) as port:
        os.environ.update(environment(port))
        from connectors_dagster.cli.run import RunOptions, load, show_remarks

        summary, _ = load((), RunOptions())
        show_remarks(summary)
        served = json.loads(_get(f"http://127.0.0.1:{port}/_counts"))
    same = _compare({connector.name: served[connector.name] for connector in _turned_on()})
    _show_orders()
    _say_what_next()
    return 0 if same and not summary.errors else 1


def serve_ui(*, port: int = 3000) -> int:
    """Serve the Dagster UI; connectors without settings read from a sandbox."""
    home = os.environ.setdefault("DAGSTER_HOME", str(project_folder() / ".dagster"))
    with sandbox_process() as sandbox_port:
        sandbox = environment(sandbox_port)
        missing = [c.name for c in _turned_on() if not placeholders.is_configured(c)]
        for name in missing:
            prefix = settings.environment_name(name, "")
            os.environ.update({key: value for key, value in sandbox.items() if key.startswith(prefix)})
        if missing:
            os.environ.setdefault("DESTINATION__DUCKDB__CREDENTIALS", str(project_folder() / DEMO_FILE))
            say(f"{', '.join(missing)} read from a sandbox; rows are loaded into {duckdb_file()}")
        say(f"Dagster UI on http://127.0.0.1:{port}, instance in {home}")
        # A shell may start this process with SIGINT ignored, and Dagster stops on nothing else.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return _until_interrupted(subprocess.Popen(ui_command(port), cwd=project_folder(), umask=OTHERS))


def ui_command(port: int) -> list[str]:
    """Return the command that serves the Dagster UI; run it in the project folder."""
    return [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]


def _turned_on() -> list[Connector]:
    return [connector for connector in load_connectors().values() if settings.is_enabled(connector)]


@contextmanager
def sandbox_process(*, scale: float = 1.0) -> Iterator[int]:
    """Serve a sandbox on a free port in its own process; yields the port."""
    port = free_port()
    options = ["--port", str(port), "--scale", str(scale), "--quiet"]
    process = subprocess.Popen([sys.executable, "-m", "connectors_dagster.cli", "sandbox", *options])
    try:
        wait_until_up(process, f"http://127.0.0.1:{port}/_counts")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    """Find a port of this machine that no program listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(process: "subprocess.Popen[bytes]", url: str, *, seconds: int = 30) -> None:
    """Wait until a server responds.

    Raises:
        RuntimeError: it ended, or did not respond within `seconds`.
    """
    for _ in range(seconds * 10):
        try:
            _get(url)
            return
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None:
                raise RuntimeError(
                    f"{url}: the server ended with code {process.returncode} before it responded"
                ) from None
            time.sleep(0.1)
    raise RuntimeError(f"{url}: no response within {seconds} s")


def _until_interrupted(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a process; on SIGTERM send it SIGINT, which `dagster dev` passes on to its children."""
    signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGINT))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the terminal has sent it to the child too
            continue


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as response:
        return bytes(response.read())


def _compare(counts: dict[str, dict[str, int]]) -> bool:
    with duckdb.connect(str(duckdb_file()), read_only=True) as warehouse:
        rows = [
            (f"{connector}.{table}", _count(warehouse, connector, table), served)
            for connector, tables in counts.items()
            for table, served in tables.items()
        ]
    say("")
    show_table(
        ("table", "loaded", "sandbox", ""), [(*row, "same" if row[1] == row[2] else "DIFFERENT") for row in rows]
    )
    return all(loaded == served for _, loaded, served in rows)


def _count(warehouse: duckdb.DuckDBPyConnection, connector: str, table: str) -> int:
    try:
        found = warehouse.execute(f'SELECT count(*) FROM "{connector}"."{table}"').fetchone()
    except duckdb.CatalogException:
        return 0
    return int(found[0]) if found else 0


def _show_orders() -> None:
    with duckdb.connect(str(duckdb_file()), read_only=True) as warehouse:
        result: Any = warehouse.execute(ORDERS)
        say("\nstorefront.orders:")
        # As text: numbers of orders have no thousands separators.
        show_table([column[0] for column in result.description], [[*map(str, row)] for row in result.fetchall()])


def _say_what_next() -> None:
    say(
        f"""
The tables are in {duckdb_file()}. Next:
  make dev                   start the Dagster UI with these runs, their lineage and a sandbox
  .venv/bin/connectors list  list resources with their key, cursor, partitions and table
  README.md                  connect your own shop: a few settings, then `connectors check` and `connectors run`
"""
    )
