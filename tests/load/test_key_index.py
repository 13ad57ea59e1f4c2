"""Large tables in Postgres get an index on their key, and whatever becomes of that, their rows are loaded."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from unittest.mock import patch

import dlt
import psycopg2
import pytest

from connectors_dagster.load import key_index
from tests.support.postgres import WAITING, Postgres
from tests.support.processes import Job
from tests.support.rows import order

ORDERS = ["storefront/orders"]
JANUARY = ["2024-01-01"]


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


def indexes(postgres: Postgres, dataset: str = "storefront") -> dict[str, list[str]]:
    """Return method and columns of all indexes, by table."""
    found: dict[str, list[str]] = {}
    for table, written in postgres.query(
        f"SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = '{dataset}' AND tablename NOT LIKE '\\_dlt%'"
    ):
        found.setdefault(table, []).append(written.partition(" USING ")[2])
    return found
