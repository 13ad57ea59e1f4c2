"""Postgres stores the same rows as DuckDB, even if all families load into one new dataset concurrently."""

import secrets
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from decimal import Decimal
from unittest.mock import patch

import dlt
import psycopg2
import pytest
from click.testing import CliRunner
from dlt.destinations.impl.postgres.sql_client import Psycopg2SqlClient

from connectors_dagster.cli import main, process
from connectors_dagster.errors import DestinationBusyError, LoadError, TransientLoadError
from connectors_dagster.load import key_index, reachable
from connectors_dagster.load.direct_writes import COMMON_KEYS
from connectors_dagster.sandbox import generate_tables
from tests.support.postgres import Postgres, lose_family_lock
from tests.support.processes import Job, Trap, families, opened, pause, run_at_once, start
from tests.support.rows import order

ORDERS = ["storefront/orders"]
JANUARY = ["2024-01-01"]
HELD = (
    r"postgres: process \d+ \(loading\) on \S+ \(session \d+ from 127\.0\.0\.1, connected at [\d:]+\) still holds the "
    r"lock of storefront\.storefront_orders"
)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


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


def test_a_large_table_gets_an_index_on_its_key_and_keeps_that_of_others(api, postgres, monkeypatch, caplog):
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00", line_items=[{"id": 1}])])
    tables = [*ORDERS, "storefront/order_lines"]
    for _ in range(2):
        Job(tables, JANUARY).run()
        assert indexes(postgres) == {}
    monkeypatch.setattr(key_index, "LARGE", 0)
    for _ in range(2):
        Job(tables, JANUARY).run()
        assert indexes(postgres) == {"orders": ["btree (id)"], "order_lines": ["btree (_orders_id, _position)"]}
    postgres.change("DROP INDEX storefront.orders_id_idx, storefront.order_lines__orders_id__position_idx")
    postgres.change("ALTER TABLE storefront.orders ADD PRIMARY KEY (id)")
    postgres.change("ALTER TABLE storefront.order_lines ADD UNIQUE (_position, _orders_id) INCLUDE (id)")
    Job(tables, JANUARY).run()
    assert [len(found) for found in indexes(postgres).values()] == [1, 1]
    postgres.change("ALTER TABLE storefront.orders DROP CONSTRAINT orders_pkey")
    for other in ("(lower(status), id)", "(status) INCLUDE (id)", "(id) WHERE id > 7"):
        postgres.change(f"CREATE INDEX ON storefront.orders {other}")
    Job(tables, JANUARY).run()
    assert "btree (id)" in indexes(postgres)["orders"]
    assert [record for record in caplog.records if "index" in record.message and record.levelname == "WARNING"] == []


def test_a_key_of_text_may_be_longer_than_a_b_tree_takes(api, postgres, monkeypatch):
    monkeypatch.setattr(key_index, "LARGE", 0)
    addons, long = ["subscriptions/addon"], secrets.token_hex(4_000)
    api.set("subscriptions/addon", [{"id": "cover"}])
    for _ in range(2):
        Job(addons).run()
    assert indexes(postgres, "subscriptions") == {"addon": ["hash (id)"]}
    api.set("subscriptions/addon", [{"id": "cover"}, {"id": long}])
    Job(addons).run()
    assert set(postgres.ids("subscriptions.addon")) == {"cover", long}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("i::text AS customer, 'nl' AS language", ["hash (customer)"]),
        ("'nl' AS customer, i::text AS language", ["hash (language)"]),
        ("i AS customer, 'nl' AS language", ["btree (customer)"]),
        ("'a' AS customer, 'nl' AS language", []),
        ("CASE WHEN i < 900 THEN '' ELSE i::text END AS customer, 'nl' AS language", []),
    ],
    ids=["first text", "second text", "number beside a text", "few values", "one value in many rows"],
)
def test_of_several_columns_with_texts_one_with_many_values_is_indexed(postgres, values, expected):
    make_texts(postgres, values)
    for _ in range(2):
        index_texts(postgres.url, customer="bigint" if "i AS customer" in values else "text")
    assert indexes(postgres).get("texts", []) == expected


def test_an_index_of_others_on_a_column_with_few_values_is_not_enough(postgres):
    make_texts(postgres, "'a' AS customer, i::text AS language")
    postgres.change("CREATE INDEX ON storefront.texts (customer)")
    index_texts(postgres.url, customer="text")
    assert indexes(postgres)["texts"] == ["btree (customer)", "hash (language)"]


def test_nothing_is_indexed_by_statistics_of_rows_that_are_gone(postgres):
    make_texts(postgres, "(i % 300)::text AS customer, i::text AS language")
    postgres.change("TRUNCATE storefront.texts")
    index_texts(postgres.url, customer="text")
    assert indexes(postgres) == {}


def test_a_role_that_may_not_look_at_statistics_loads_and_is_warned(postgres, caplog):
    make_texts(postgres, "i::text AS customer, i::text AS language")
    role = f"loader_{secrets.token_hex(4)}"
    postgres.change(f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA storefront TO {role}")
    postgres.change(f"ALTER TABLE storefront.texts OWNER TO {role}; REVOKE SELECT ON pg_stats FROM PUBLIC")
    index_texts(postgres.url.replace("postgres:trusted", f"{role}:trusted"), customer="text")
    assert "got no index on its key" in caplog.text and "permission denied for view pg_stats" in caplog.text


def test_an_index_that_others_make_meanwhile_is_not_disturbed(postgres, caplog):
    make_texts(postgres, "i AS customer, i::text AS language")
    made = "CREATE INDEX CONCURRENTLY by_hand ON storefront.texts (language)"
    with ThreadPoolExecutor() as pool, closing(psycopg2.connect(postgres.url)) as writer:
        writer.cursor().execute("DELETE FROM storefront.texts WHERE customer = 1")
        waiting = pool.submit(by_hand, postgres.url, made)
        while postgres.query(WAITING) == [(0,)]:
            assert not waiting.done()
        ours = pool.submit(index_texts, postgres.url, customer="bigint")
        while postgres.query(WAITING) == [(1,)]:
            assert not ours.done()
        time.sleep(1.2)  # Postgres looks for deadlocks when a statement has waited for a second
        writer.commit()
        waiting.result()
        ours.result()
    assert postgres.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'storefront.by_hand'::regclass") == [
        (True,)
    ]
    assert "lock timeout" in caplog.text


def by_hand(url: str, statement: str) -> None:
    """Run a statement that must not be in a transaction."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


def make_texts(postgres: Postgres, values: str) -> None:
    """Make a table with a key of two columns."""
    postgres.change("CREATE SCHEMA storefront")
    postgres.change(f"CREATE TABLE storefront.texts AS SELECT {values} FROM generate_series(1, 2000) AS i")
    postgres.change("ANALYZE storefront.texts")


def index_texts(url: str, **types: str) -> None:
    """Index it as if it were large."""
    pipeline = dlt.pipeline("texts", destination=dlt.destinations.postgres(url), dataset_name="storefront")
    with patch.object(key_index, "LARGE", 0), pipeline.sql_client() as client:
        key_index.index_key(client, '"storefront"."texts"', {**types, "language": "text"})


def test_a_table_that_cannot_get_an_index_is_loaded_and_a_warning_says_why(api, postgres, monkeypatch, caplog):
    monkeypatch.setattr(key_index, "LARGE", 0)
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    Job(ORDERS, JANUARY).run()
    postgres.change(
        "CREATE FUNCTION no_index() RETURNS event_trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'nobody may create an index'; END $$"
    )
    postgres.change(
        "CREATE EVENT TRIGGER no_index ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION no_index()"
    )
    api.set("storefront/orders", [order(1, "2024-01-16T00:00:00"), order(2, "2024-01-16T00:00:00")])
    Job(ORDERS, JANUARY).run()
    assert postgres.query("SELECT count(*) FROM storefront.orders") == [(2,)]
    assert '"storefront"."orders" got no index on its key' in caplog.text
    assert "nobody may create an index" in caplog.text


def indexes(postgres: Postgres, dataset: str = "storefront") -> dict[str, list[str]]:
    """Return method and columns of all indexes, by table."""
    found: dict[str, list[str]] = {}
    for table, written in postgres.query(
        f"SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = '{dataset}' AND tablename NOT LIKE '\\_dlt%'"
    ):
        found.setdefault(table, []).append(written.partition(" USING ")[2])
    return found


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
