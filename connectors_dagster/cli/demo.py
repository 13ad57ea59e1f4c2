"""The demo: a load from a sandbox, its checks, and a comparison of both."""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from connectors_dagster.cli.demo_project import DEMO_FILE, demo_home
from connectors_dagster.cli.project import in_writable_folder
from connectors_dagster.cli.rows import readable
from connectors_dagster.cli.sandbox_process import get, remembered, sandbox_process
from connectors_dagster.cli.terminal import say, show_table
from connectors_dagster.config import settings
from connectors_dagster.config.workdir import project_folder
from connectors_dagster.connectors import load_connectors
from connectors_dagster.load.destination import duckdb_file
from connectors_dagster.sandbox import environment
from connectors_dagster.spec.connector import Connector

UNDECLARED = ("subscriptions/addon", "subscriptions/customer", "subscriptions/item")
"""The assets to which the sandbox sends fields that their connector does not declare."""
ORDERS = """
    SELECT id, status, currency, total, date_modified_gmt::VARCHAR AS date_modified_gmt,
           json_array_length(line_items) AS line_items
    FROM storefront.orders ORDER BY id LIMIT 5
"""


def show_demo(*, scale: float = 1.0) -> int:
    """Load the connectors that are enabled by default from a sandbox and compare rows with the sandbox's counts.

    Returns:
        0 if every table has the rows that the sandbox serves, else 1.

    Raises:
        ClickException: the folder cannot be written.
    """
    os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = str(project_folder() / DEMO_FILE)
    # Whatever the project has configured: the sandbox has no data of connectors of your own.
    os.environ["CONNECTORS__ENABLED"] = ",".join(one.name for one in load_connectors().values() if one.enabled)
    with in_writable_folder():
        os.environ["DAGSTER_HOME"] = str(home := demo_home())
        sandbox = remembered(home, scale=scale)
    os.environ.update(environment(sandbox.port))
    with sandbox_process(sandbox):
        from connectors_dagster.cli.run import RunOptions, load, show_remarks

        summary, checked = load((), RunOptions(checks=True))
        show_remarks(summary)
        served = json.loads(get(f"http://127.0.0.1:{sandbox.port}/_counts"))
    same = _compare({connector.name: served[connector.name] for connector in turned_on()})
    say(describe_checks(checked))
    _show_orders()
    _say_what_next()
    return 0 if same and not summary.errors else 1


def describe_checks(checked: Sequence[Mapping[str, Any]]) -> str:
    """Say how many checks passed, and which of the others fail on purpose."""
    said = f"{sum(found['passed'] for found in checked)} of {len(checked)} checks passed"
    failed = [found["asset"] for found in checked if not found["passed"] and found["check"] == "columns"]
    if intended := [asset for asset in failed if asset in UNDECLARED]:
        said += (
            f"; {len(intended)} fail on purpose: the sandbox sends fields that the connector does not declare, to show "
            f"how the check 'columns' reports them ({', '.join(intended)})"
        )
    return said


def turned_on() -> list[Connector]:
    """Return the shipped and installed connectors that are enabled."""
    return [connector for connector in load_connectors().values() if settings.is_enabled(connector)]


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
        show_table([column[0] for column in result.description], [[*map(readable, row)] for row in result.fetchall()])


def _say_what_next() -> None:
    command = "connectors" if shutil.which("connectors") else f"{Path(sys.executable).parent}/connectors"
    say(
        f"""
The tables are in {duckdb_file()}. Next:
  {command} dev          start the Dagster UI with these runs, their lineage and a sandbox
  {command} list --all   list resources with their key, cursor, partitions and table
  {command} init NAME    connect your own shop: asks for its settings and tries them
"""
    )
