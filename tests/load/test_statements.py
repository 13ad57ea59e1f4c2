"""The statements of this project, in the SQL of each destination that dlt has and that is not tested here."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import dlt
import pytest
import sqlglot
from dlt.common.schema import Schema
from sqlglot import exp

from connectors_dagster import load_connectors
from connectors_dagster.errors import SettingError
from connectors_dagster.load import destination_trial, newest_rows, traits
from connectors_dagster.load.inventory import columns_in, completed_loads
from connectors_dagster.load.lake import check_resources
from connectors_dagster.load.lake_tables import delete_rows_where
from connectors_dagster.load.missing_rows import MissingRows
from connectors_dagster.orchestration import check_queries
from tests.conftest import find
from tests.support.rows import NOW

NAMES = ("clickhouse", "motherduck", "bigquery", "snowflake", "mssql", "databricks", "redshift", "athena")


class Recorded:
    """Records statements instead of running them; names are spelled as dlt does for a destination."""

    dataset_name = "storefront"

    def __init__(self, destination: str) -> None:
        self.capabilities = getattr(dlt.destinations, destination)().capabilities()
        self.statements: list[str] = []
        self.made: list[str] = []

    def has_dataset(self) -> bool:
        return True

    def create_dataset(self) -> None:
        self.made.append("create")

    def drop_dataset(self) -> None:
        self.made.append("drop")

    def escape_column_name(self, name: str) -> str:
        return str(self.capabilities.escape_identifier(name))

    def make_qualified_table_name(self, name: str) -> str:
        return f"{self.escape_column_name(self.dataset_name)}.{self.escape_column_name(name)}"

    def execute_sql(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        assert sql.count("%s") == len(values), sql
        self.statements.append(sql)
        return [(1,)] if "count(" in sql else []

    @contextmanager
    def execute_query(self, sql: str, *values: Any) -> Iterator[Any]:
        self.execute_sql(sql, *values)
        yield type("Cursor", (), {"description": [("id",)], "fetchall": lambda _: []})()


@pytest.fixture(params=NAMES)
def client(request, monkeypatch) -> Recorded:
    """A client of a destination, which the settings name and all that reads gets."""
    monkeypatch.setenv("CONNECTORS__DESTINATION", request.param)
    recorded = Recorded(request.param)

    @contextmanager
    def reading(_: str) -> Iterator[Recorded]:
        yield recorded

    for module in (newest_rows, check_queries):
        monkeypatch.setattr(module, "reading", reading)
    return recorded


def parsed(client: Recorded) -> list[exp.Expression]:
    """Parse what was recorded, as the destination would; what sqlglot does not know is an error."""
    dialect = client.capabilities.sqlglot_dialect
    return [
        sqlglot.parse_one(sql.replace("%s", "NULL"), read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
        for sql in client.statements
    ]


def missing(resource: Any, client: Recorded, **options: Any) -> None:
    """Handle the missing rows of a resource."""
    rows = MissingRows(resource=resource, load_ids=["1.5"], now=NOW, max_loss=1, schema=Schema("shop"), **options)
    rows.apply(client)  # type: ignore[arg-type]  # a double


def resources() -> list[Any]:
    """List the resources of the connectors that are enabled by default; there are all kinds of parents and children."""
    enabled = (connector for connector in load_connectors().values() if connector.enabled)
    return [one for connector in enabled for one in connector.graph.values()]


def test_statements_are_sql_of_the_destination(client, declare):
    updates = traits.destination_traits().updates_rows
    for resource in [*resources(), *([declare(missing_rows="mark")] if updates else [])]:
        parents = {"parents": [1]} if resource.parent and not resource.list_of else {}
        of_lists = {"loads_of_parent": ["1.4"]} if resource.list_of else {}
        missing(resource, client, **parents, **of_lists)
    orders = find("storefront/orders")
    check_queries.key_is_unique(None, orders, None)  # type: ignore[arg-type]  # not used
    newest_rows.newest_rows(orders, 3)
    if traits.destination_traits().describes_tables:
        columns_in(client)  # type: ignore[arg-type]  # a double
        completed_loads(client, "storefront_orders")  # type: ignore[arg-type]  # a double
    kinds = {type(statement) for statement in parsed(client)}
    assert kinds == {exp.Select, exp.Delete} | ({exp.Update} if updates else set())


def test_the_check_of_cursors_a_reset_and_the_trial_are_sql_of_the_destination(client, monkeypatch):
    orders = find("storefront/orders")
    monkeypatch.setattr(check_queries, "metadata_by_window", lambda *_: {})
    monkeypatch.setattr(check_queries, "fetched_until", lambda *_: NOW)
    check_queries.cursor_in_windows(None, orders, None)  # type: ignore[arg-type]  # not used
    assert client.statements[-1].count("%s") >= 2
    delete_rows_where(client, "orders", "1 = 1")  # type: ignore[arg-type]  # a double
    monkeypatch.setattr(destination_trial, "build_destination", lambda: None)
    monkeypatch.setattr(dlt, "dataset", lambda *_: SimpleNamespace(sql_client=nullcontext(client)))
    destination_trial._try_dataset("storefront")
    created = {exp.Create, exp.Drop} if traits.destination_traits().plain_tables else set()
    assert {type(statement) for statement in parsed(client)} == {exp.Select, exp.Delete} | created
    assert client.made == ([] if created else ["create", "drop"])


def test_the_newest_rows_are_limited_as_the_destination_says_it(client):
    newest_rows.newest_rows(find("storefront/orders"), 3)
    statement = client.statements[-1]
    assert ("TOP 3" in statement) == (client.capabilities.sqlglot_dialect == "tsql") != ("LIMIT 3" in statement)


def test_what_needs_statements_that_the_destination_does_not_have_is_refused_by_name(declare, monkeypatch):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "clickhouse")
    for resource in (declare(missing_rows="mark"), find("storefront/order_lines")):
        with pytest.raises(SettingError, match=rf"{resource} has missing_rows .* that clickhouse does not have"):
            check_resources([resource])
    check_resources([declare(missing_rows="delete")])
