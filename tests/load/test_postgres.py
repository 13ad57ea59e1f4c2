"""Postgres stores the same rows as DuckDB, even if all families load into one new dataset concurrently."""

import sys
from concurrent.futures import wait
from contextlib import closing
from decimal import Decimal

import psycopg2
import pytest
from click.testing import CliRunner
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient

from connectors_dagster.cli import main, process
from connectors_dagster.errors import DestinationBusyError, LoadError, TransientLoadError
from connectors_dagster.load import reachable
from connectors_dagster.load.direct_writes import COMMON_KEYS
from connectors_dagster.sandbox import generate_tables
from tests.support.postgres import WAITING, Postgres, lose_family_lock
from tests.support.processes import Job, Trap, families, opened, pause, run_at_once, start
from tests.support.rows import order

ORDERS = ["storefront/orders"]
JANUARY = ["2024-01-01"]
HELD = (
    r"postgres: process \d+ \(loading\) on \S+ \(session \d+ from 127\.0\.0\.1, connected at [\d:]+\) still holds the "
    r"lock of storefront\.storefront_orders"
)


def test_texts_numbers_and_objects_are_loaded_as_they_were_sent(api, postgres):
    note = 'it\'s \\ 100 % "quoted"; -- ü 🧾\n\ttab'
    api.set("storefront/orders", [
        order(1, "2024-01-15T00:00:00", customer_note="", line_items=[], parent_id=0),
        order(2, "2024-01-15T00:00:00", customer_note=note, line_items=[{"sku": "é'\\"}], parent_id=2**62),
        order(3, "2024-01-15T00:00:00", customer_note=None, line_items=None, parent_id=None),
    ])  # fmt: skip
    Job(ORDERS, JANUARY).run()
    Job(ORDERS, JANUARY).run()
    assert postgres.query("SELECT id, customer_note, line_items, parent_id FROM storefront.orders ORDER BY id") == [
        (1, "", [], 0),
        (2, note, [{"sku": "é'\\"}], 2**62),
        (3, None, None, None),
    ]


def test_new_keys_are_not_compared_one_by_one_with_those_of_the_table(postgres):
    query = COMMON_KEYS.format(new="new", known="known", columns="id, shop")
    with closing(psycopg2.connect(postgres.url)) as connection, connection.cursor() as cursor:
        for table, first in (("known", 1), ("new", 100_001)):
            keys = f"SELECT id, 'shop'::text AS shop FROM generate_series({first}, {first + 20_000}) AS id"
            cursor.execute(f"CREATE TABLE {table} AS {keys}")
        cursor.execute(f"EXPLAIN {query}")
        plan = cursor.fetchall()
        cursor.execute(query)
        assert cursor.fetchall() == [(0,)]
    assert "Nested Loop" not in str(plan), "the time of a load would grow with the square of its rows"


def test_items_of_a_list_that_are_gone_are_gone(api, postgres):
    tables = [*ORDERS, "storefront/order_lines"]
    api.set("storefront/orders", [
        order(1, "2024-01-15T00:00:00", line_items=[{"id": 1, "total": "1.50"}, {"id": 2, "total": "0.25"}]),
        order(2, "2024-01-15T00:00:00", line_items=[{"id": 3}]),
    ])  # fmt: skip
    Job(tables, JANUARY).run()
    api.set("storefront/orders", [
        order(1, "2024-01-15T00:00:00", line_items=[{"id": 2, "total": "0.25"}]),
        order(2, "2024-01-15T00:00:00", line_items=[]),
    ])  # fmt: skip
    Job(tables, JANUARY).run()
    lines = postgres.query("SELECT _orders_id, _position, id, total FROM storefront.order_lines")
    assert lines == [(1, 0, 2, Decimal("0.25"))]


@pytest.mark.journey
def test_families_that_create_a_dataset_concurrently_load_exactly(api, postgres):
    api.tables.update(generate_tables(scale=0.05))
    billing = [family for family in families() if family[0].startswith("billing/")]
    api.held = lambda _: api.most_concurrent < len(billing)
    run_at_once(*map(Job, billing))
    for table, rows in api.tables["billing"].items():
        assert postgres.query(f"SELECT count(*) FROM billing.{table}") == [(len(rows),)], table


def test_a_dataset_that_another_client_creates_at_the_same_time_is_used(api, postgres):
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    other = psycopg2.connect(postgres.url)
    with other.cursor() as cursor:
        cursor.execute("CREATE SCHEMA storefront")
        [load] = start(Job(ORDERS, JANUARY))
        while postgres.query(WAITING) == [(0,)]:
            assert not wait([load], timeout=0.05).done
        other.commit()
    other.close()
    load.result()
    assert postgres.ids("storefront.orders") == [1]


@pytest.mark.journey
def test_machines_that_share_only_the_database_never_merge_a_table_concurrently(api, postgres, project, monkeypatch):
    monkeypatch.setenv("CONNECTORS__SIBLINGS_TIMEOUT", "0.1")
    first, second = (window.key for window in opened()[:2])
    api.set("storefront/orders", [order(id, f"{(first, second)[id % 2]}T00:00:00") for id in range(300)])
    [elsewhere] = start(Job(ORDERS, [first], Trap("dlt.load.load:Load.create_followup_jobs", pause)))
    while not (project / "paused").exists():
        assert not wait([elsewhere], timeout=0.05).done
    lose_family_lock(postgres)
    (project / "here").mkdir()
    here = Job(ORDERS, [second], folder=project / "here")
    with pytest.raises(DestinationBusyError, match=HELD):
        run_at_once(here)
    (project / "go on").touch()
    with pytest.raises(TransientLoadError, match="was lost at postgres"):
        elsewhere.result()
    run_at_once(here)
    assert postgres.ids("storefront.orders") == list(range(300))


def test_a_database_that_is_down_is_a_transient_failure(api, postgres, monkeypatch):
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", "postgresql://loader:hidden-word@127.0.0.1:1/gone")
    with pytest.raises(TransientLoadError, match="Connection refused") as failure:
        Job(ORDERS, JANUARY).run()
    assert "hidden-word" not in str(failure.value) and api.requests == []


def test_a_database_that_goes_down_after_the_read_is_a_transient_failure_too(api, postgres, monkeypatch):
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    connect = Psycopg2SqlClient.open_connection

    def until_it_is_read(client: Psycopg2SqlClient) -> object:
        if api.requests:
            raise psycopg2.OperationalError("FATAL:  the database system is starting up")
        return connect(client)

    monkeypatch.setattr(Psycopg2SqlClient, "open_connection", until_it_is_read)
    with pytest.raises(TransientLoadError, match=r"storefront_orders: .*the database system is starting up"):
        Job(ORDERS, JANUARY).run()


@pytest.mark.parametrize("setting", ["DESTINATION__POSTGRES__CREDENTIALS", "CONNECTORS__LOCKS"])
def test_a_run_says_at_once_which_database_is_down_and_ends_before_it_reads(
    api, postgres, project, monkeypatch, setting
):
    monkeypatch.setattr(reachable, "PATIENCE", 0.0)
    monkeypatch.setenv(setting, "postgresql://loader:hidden-word@127.0.0.1:1/gone")
    done = CliRunner().invoke(main, ["run", *ORDERS])
    assert done.exit_code == 1 and api.requests == []
    [line] = [line for line in done.output.splitlines() if line.startswith("Error: ")]
    assert setting in line and "Connection refused" in line and line.endswith("correct the setting, then run again")
    assert "hidden-word" not in done.output


def test_a_run_waits_some_seconds_for_a_database_that_comes_back_and_says_so(
    api, postgres, project, monkeypatch, caplog
):
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    back = Postgres(postgres.port, f"{postgres.database}_back")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", back.url)
    monkeypatch.setattr(process, "end", sys.exit)
    monkeypatch.setattr(reachable, "sleep", lambda _: back.create())
    done = CliRunner().invoke(main, ["run", *ORDERS, "--to", "2024-01-20"])
    assert done.exit_code == 0, done.output
    assert back.ids("storefront.orders") == [1]
    assert 'UTC for DESTINATION__POSTGRES__CREDENTIALS: connection to server at "127.0.0.1", port' in caplog.text


def test_missing_credentials_are_named(api, postgres, monkeypatch):
    monkeypatch.delenv("DESTINATION__POSTGRES__CREDENTIALS")
    with pytest.raises(LoadError, match="DESTINATION__POSTGRES__CREDENTIALS"):
        Job(ORDERS, JANUARY).run()
