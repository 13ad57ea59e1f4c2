"""The cost of a load, counted instead of timed: requests, conversions, load packages, SQL statements."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from dlt.common.configuration import inject

from connectors_dagster import load_connectors
from connectors_dagster.http import response
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.load import traits
from connectors_dagster.load.pipeline import Load, loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.rows.table_columns import TableColumns
from connectors_dagster.spec.windows import Window, WindowGrid
from tests.support.rows import address, customer, order, product

GRID = WindowGrid("P30D", "2024-01-01")
NOW = datetime(2026, 12, 16, tzinfo=UTC)
WINDOWS = GRID.opened(NOW - timedelta(seconds=1))
"""The 36 windows from 2024-01-01 on, all in the past."""


@contextmanager
def loaded(*selection: str, windows: Sequence[Window] = ()) -> Iterator[Load]:
    """Load resources of one family without Dagster."""
    connector = load_connectors()[selection[0].partition("/")[0]]
    resources = [connector.graph[name.partition("/")[2]] for name in selection]
    lookback = connector.lookback
    slices = GRID.slices(list(windows), now=NOW + lookback, lookback=lookback)
    with loading(LoadRequest(now=NOW, resources=resources, slices=slices)) as load:
        assert [outcome.error for outcome in load.outcomes.values() if outcome.error] == []
        yield load


def total(load: Load, resource: str) -> ReadStats:
    """Add up the counts of a resource over all windows."""
    whole = ReadStats()
    for stats in load.outcomes[resource].stats_by_slice.values():
        whole.add(stats)
    return whole


def in_each_window(rows: int) -> list[dict[str, object]]:
    """Return this many orders for each of the 36 windows."""
    places = [(window, n) for window in WINDOWS for n in range(rows)]
    texts = [f"{window.start + timedelta(minutes=n):%Y-%m-%dT%H:%M:%S}" for window, n in places]
    return [order(id, at) for id, at in enumerate(texts, start=1)]


# Requests


def test_36_windows_take_one_request_per_page_and_repeat_none(api):
    api.set("storefront/orders", in_each_window(3) + [order(1_000 + n, "2024-02-01T00:00:00") for n in range(210)])
    with loaded("storefront/orders", windows=WINDOWS) as load:
        counts = total(load, "orders")
    asked = [tuple(sorted(query.items())) for query in api.asked("/orders")]
    assert len(asked) == len(set(asked)) == counts.requests == counts.pages == 35 + 3
    assert counts.rows == 36 * 3 + 210


def test_a_resource_without_a_filter_is_read_once_for_all_windows(api):
    api.set("billing/products", [product(f"p{n:03}", "2024-05-01T00:00:00Z") for n in range(250)])
    with loaded("billing/products", windows=WINDOWS[:1]):
        once = len(api.requests)
    with loaded("billing/products", windows=WINDOWS) as load:
        assert len(api.requests) == 2 * once
        assert total(load, "products").rows == 250


@pytest.mark.parametrize("most", [1, 3, 7])
def test_as_many_requests_are_concurrent_as_the_setting_allows_and_no_more(api, monkeypatch, most):
    monkeypatch.setenv("SOURCES__STOREFRONT__MAX_PARALLEL_REQUESTS", str(most))
    api.set("storefront/orders", in_each_window(1))
    api.delay = 0.05
    with loaded("storefront/orders", windows=WINDOWS):
        assert api.most_concurrent == most


def test_children_of_different_parents_are_read_concurrently_with_one_request_each(api, monkeypatch):
    monkeypatch.setenv("SOURCES__BILLING__MAX_PARALLEL_REQUESTS", "6")
    names = [f"c{n:03}" for n in range(150)]
    api.set("billing/customers", [customer(name) for name in names])
    api.set("billing/customer_addresses", [address(f"a{name}", name) for name in names])
    api.delay = 0.01
    with loaded("billing/customers", "billing/customer_addresses") as load:
        assert total(load, "customer_addresses").requests == len(api.asked("/addresses")) == 150
        assert total(load, "customer_addresses").rows == 150
    assert api.most_concurrent == 6


# Conversion


def test_a_page_is_parsed_only_once(api, monkeypatch):
    bodies = []
    parse = response.parse

    def counted(body, path):
        bodies.append(body)
        return parse(body, path)

    monkeypatch.setattr(response, "parse", counted)
    api.set("storefront/orders", in_each_window(2))
    with loaded("storefront/orders", windows=WINDOWS) as load:
        assert len(bodies) == len(set(bodies)) == total(load, "orders").pages == 36


def test_rows_are_converted_once_and_in_batches_of_many_pages(api, monkeypatch):
    batches = []
    to_batch = TableColumns.to_batch

    def counted(self, rows):
        batches.append(len(rows))
        return to_batch(self, rows)

    monkeypatch.setattr(TableColumns, "to_batch", counted)
    api.set("storefront/orders", in_each_window(4))
    with loaded("storefront/orders", windows=WINDOWS):
        assert batches == [36 * 4]


# Loading


def test_36_windows_are_one_load_package_with_one_file_per_table(api):
    api.set("storefront/orders", in_each_window(2))
    with loaded("storefront/orders", windows=WINDOWS) as load:
        (package,) = load.info.load_packages
        loads = [job.file_path for job in package.jobs["completed_jobs"] if "/orders." in job.file_path]
        assert sum(path.endswith(".parquet") for path in loads) == 1
        assert load.pipeline.last_trace.last_normalize_info.row_counts["orders"] == 72


@pytest.fixture
def statements(project):
    """The SQL statements of a load, from DuckDB's log: ``statements("storefront/orders", …)``."""

    def statements_(*selection, windows):
        with duckdb.connect(str(project / "warehouse.duckdb")) as connection:
            connection.execute("CALL enable_logging('QueryLog')")
            connection.execute("CALL truncate_duckdb_logs()")
            with loaded(*selection, windows=windows):
                pass
            found = connection.execute("SELECT message FROM duckdb_logs WHERE type = 'QueryLog'").fetchall()
            return [" ".join(message.split()) for (message,) in found if "duckdb_logs" not in message]

    return statements_


def test_36_windows_take_as_many_statements_as_one(api, statements):
    api.set("storefront/orders", in_each_window(2))
    for _ in ("creates the tables", "creates the staging tables"):
        statements("storefront/orders", windows=WINDOWS[:1])
    one = statements("storefront/orders", windows=WINDOWS[:1])
    all_of_them = statements("storefront/orders", windows=WINDOWS)
    assert sorted(kind(text) for text in all_of_them) == sorted(kind(text) for text in one)


def test_dlt_resolves_its_configuration_no_more_often_for_36_windows_than_for_one(api, monkeypatch):
    api.set("storefront/orders", in_each_window(2))
    with loaded("storefront/orders", windows=WINDOWS):  # imports, and creates the tables
        resolve, resolved = inject.resolve_configuration, list[str]()

    def count(config: Any, *args: Any, **given: Any) -> Any:
        resolved.append(type(config).__name__)
        return resolve(config, *args, **given)

    monkeypatch.setattr(inject, "resolve_configuration", count)
    found = []
    for windows in (WINDOWS[:1], WINDOWS):
        with loaded("storefront/orders", windows=windows):
            found.append(len(resolved))
        resolved.clear()
    assert max(found) < 120 and max(found) - min(found) < 10


def test_rows_that_are_there_are_merged_by_two_statements(api, statements):
    api.set("storefront/orders", in_each_window(2))
    statements("storefront/orders", windows=WINDOWS)
    again = statements("storefront/orders", windows=WINDOWS)
    assert [text.split()[0] for text in again if "read_parquet" in text] == ["SELECT", "DELETE", "INSERT"]
    assert len([text for text in again if text.startswith(("DELETE", "INSERT")) and '"orders"' in text]) == 2


def test_a_merge_of_dlt_copies_once_deletes_once_and_inserts_once(api, statements, monkeypatch):
    monkeypatch.setitem(traits.TRAITS, "duckdb", replace(traits.TRAITS["duckdb"], merges_files=False))
    api.set("storefront/orders", in_each_window(2))
    statements("storefront/orders", windows=WINDOWS)
    again = statements("storefront/orders", windows=WINDOWS)
    assert [text.split()[0] for text in again if "read_parquet" in text] == ["SELECT", "INSERT"]
    assert len([text for text in again if text.startswith('DELETE FROM "storefront"."orders"')]) == 1
    assert len([text for text in again if text.startswith('INSERT INTO "storefront"."orders"')]) == 1


def test_rows_with_new_keys_are_written_once(api, statements, warehouse):
    api.set("storefront/orders", in_each_window(2))
    for windows in (WINDOWS[:12], WINDOWS[12:]):
        texts = statements("storefront/orders", windows=windows)
        (copy,) = [text for text in texts if text.startswith("INSERT") and "read_parquet" in text]
        assert copy.startswith('INSERT INTO "storefront"."orders"')
        assert not [text for text in texts if '"_dlt_staging_storefront"."orders"' in text or text.startswith("DELETE")]
    assert warehouse.ids("storefront.orders") == list(range(1, 73))


def test_the_destination_never_sorts_rows_to_remove_duplicates(api, statements, warehouse):
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00", status="old")])
    statements("storefront/orders", windows=WINDOWS)
    twice = [order(1, "2024-02-05T00:00:00", status="new"), order(1, "2024-01-05T00:00:00", status="old")]
    api.set("storefront/orders", twice)
    found = statements("storefront/orders", windows=WINDOWS)
    assert not [text for text in found if "ROW_NUMBER" in text.upper()]
    assert warehouse.query("SELECT id, status FROM storefront.orders") == [(1, "new")]


def kind(statement: str) -> str:
    """Return the action and the table of a statement, without the values that differ between loads."""
    return statement.partition("(")[0]
