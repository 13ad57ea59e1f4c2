"""What every destination keeps: exact values, each row once, the newest row, and what is compared with the API later.

`make test-destinations` runs these tests for each destination; `make test` for DuckDB.
"""

import json
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from dlt.destinations.exceptions import DatabaseTransientException
from dlt.destinations.impl.duckdb.duck import DuckDbCopyJob
from dlt.destinations.impl.filesystem.filesystem import DeltaLoadFilesystemJob, IcebergLoadFilesystemJob
from dlt.destinations.impl.postgres.postgres import PostgresCsvCopyJob
from dlt.destinations.insert_job_client import InsertValuesLoadJob

from connectors_dagster.compat import dlt_retries
from connectors_dagster.errors import LoadError, TransientLoadError
from connectors_dagster.load.deleted_rows import delete_rows
from connectors_dagster.load.destination_trial import try_destination
from connectors_dagster.load.inventory import take_inventory
from connectors_dagster.load.newest_rows import newest_rows
from tests.conftest import find
from tests.support.processes import Job, Trap, opened, run_at_once
from tests.support.rows import order

SERVED = pytest.mark.only_in("postgres", "ducklake", "delta", "iceberg")
"""For what test_concurrent_loads and test_crashes test with a DuckDB file."""
ORDERS, LINES = "storefront/orders", "storefront/order_lines"
FIRST = "2024-01-01"
COLUMNS = {
    "id": {"data_type": "bigint", "nullable": False},
    "text": {"data_type": "text"},
    "price": {"data_type": "decimal"},
    "exact": {"data_type": "decimal", "precision": 38, "scale": 18},
    "moment": {"data_type": "timestamp"},
    "local_time": {"data_type": "timestamp", "timezone": False},
    "day": {"data_type": "date"},
    "done": {"data_type": "bool"},
    "share": {"data_type": "double"},
    "nested": {"data_type": "json"},
}
NESTED = {"a": [1, {"b": None}], "text": 'é"\\ 🧾', "number": 12345678901234567890.5}
SENT = {
    "id": 2**62,
    "text": "",
    "price": "1234567890123456789.123456789",
    "exact": "0.000000000000000001",
    "moment": "2024-01-15T23:59:59.123456+02:00",
    "local_time": "2024-01-15T23:59:59.123456",
    "day": "2024-02-29",
    "done": False,
    "share": 0.1,
    "nested": NESTED,
}


def test_values_arrive_as_they_were_sent_also_when_they_are_merged(declare, load_pages, warehouse):
    things = declare(columns=COLUMNS)
    for _ in range(2):
        load_pages(things, [SENT, {"id": 1}])
    names = ", ".join(COLUMNS)
    nothing, row = warehouse.query(f"SELECT {names} FROM shop.things ORDER BY id")
    assert nothing == (1, *[None] * (len(COLUMNS) - 1))
    *simple, nested = row
    assert simple == [
        2**62,
        "",
        Decimal("1234567890123456789.123456789"),
        Decimal("0.000000000000000001"),
        datetime(2024, 1, 15, 21, 59, 59, 123456, tzinfo=UTC),
        datetime(2024, 1, 15, 23, 59, 59, 123456),  # a local time
        date(2024, 2, 29),
        False,
        0.1,
    ]
    found = json.loads(nested) if isinstance(nested, str) else nested
    assert {**found, "number": float(found["number"])} == NESTED  # Postgres writes it without an exponent


def test_rows_of_several_megabytes_arrive_whole(declare, load_pages, warehouse):
    things = declare(columns={"id": {"data_type": "bigint"}, "v": {"data_type": "text"}})
    for last in "ab":
        load_pages(things, [{"id": 1, "v": 'é,"\n' * 1_000_000 + last}, {"id": ord(last)}])
    rows = warehouse.query("SELECT id, length(v), right(v, 1) FROM shop.things ORDER BY id")
    assert rows == [(1, 4_000_001, "b"), (ord("a"), None, None), (ord("b"), None, None)]


def test_windows_that_are_loaded_twice_have_the_same_contents(api, warehouse, load):
    windows = [window.key for window in opened()[:3]]
    api.set(ORDERS, [order(id, f"{windows[id % 3]}T00:00:00", meta_data=[{"id": id}]) for id in range(600)])
    contents = []
    for _ in range(2):
        load(ORDERS, windows=windows)
        rows = warehouse.query("SELECT id, total, date_modified_gmt, meta_data FROM storefront.orders ORDER BY id")
        contents.append(
            [(*simple, nested if isinstance(nested, str) else json.dumps(nested)) for *simple, nested in rows]
        )
    assert [row[0] for row in contents[1]] == list(range(600))
    assert contents[0] == contents[1]


def test_of_the_copies_of_a_row_in_one_load_the_newest_stays(declare, load_pages, warehouse):
    columns = {"id": {"data_type": "bigint"}, "t": {"data_type": "timestamp"}, "v": {"data_type": "text"}}
    things = declare(columns=columns, cursor="t")
    times = ("2024-01-02T00:00:00Z", "2024-01-04T00:00:00Z", "2024-01-03T00:00:00Z")
    load_pages(things, *([{"id": 1, "t": time, "v": time}, {"id": n + 2, "t": time}] for n, time in enumerate(times)))
    assert warehouse.query("SELECT v FROM shop.things WHERE id = 1") == [(times[1],)]


def test_a_field_that_appears_later_gets_a_column_and_older_rows_keep_their_values(declare, load_pages, warehouse):
    things = declare(columns={"id": {"data_type": "bigint"}, "v": {"data_type": "text"}})
    load_pages(things, [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}])
    load_pages(things, [{"id": 2, "v": "c", "extra": {"n": [1]}}])
    rows = warehouse.query("SELECT id, v, extra FROM shop.things ORDER BY id")
    assert [row[:2] for row in rows] == [(1, "a"), (2, "c")]
    assert rows[0][2] is None and "n" in str(rows[1][2])


def test_items_of_a_list_that_are_gone_are_gone(api, warehouse, load):
    for lines in ([{"id": 1, "total": "1.50"}, {"id": 2, "total": "0.25"}], [{"id": 2, "total": "0.25"}]):
        api.set(ORDERS, [order(1, f"{FIRST}T00:00:00", line_items=lines), order(2, f"{FIRST}T00:00:00")])
        load(ORDERS, LINES, windows=[FIRST])
    query = "SELECT _orders_id, _position, id, total FROM storefront.order_lines"
    assert warehouse.query(query) == [(1, 0, 2, Decimal("0.25"))]


def test_the_newest_rows_are_shown(api, warehouse, load):
    api.set(ORDERS, [order(id, f"2024-01-{id:02}T00:00:00", line_items=[{"id": id}]) for id in range(1, 9)])
    load(ORDERS, windows=[FIRST])
    shown = newest_rows(find(ORDERS), 2)
    assert [(row["id"], row["line_items"]) for row in shown] == [(8, [{"id": 8}]), (7, [{"id": 7}])]


def test_trying_the_destination_leaves_nothing_behind(api, warehouse, load):
    load("storefront/customers")
    before = warehouse.tables()
    try_destination(["storefront", "billing"])
    assert warehouse.tables() == before


def test_a_table_that_is_not_there_has_no_rows_to_show(api, warehouse, load):
    load("storefront/customers")
    with pytest.raises(LoadError, match="storefront/orders is not loaded yet"):
        newest_rows(find(ORDERS), 2)


def test_what_the_destination_holds_is_known_and_rows_can_be_deleted(api, warehouse, load):
    empty = take_inventory("storefront")
    assert empty is not None and not empty.loads
    api.set(ORDERS, [order(id, f"{FIRST}T00:00:00", line_items=[{"id": id}]) for id in range(5)])
    load(ORDERS, LINES, windows=[FIRST])
    held = take_inventory("storefront")
    assert held is not None and held.loads and {"id", "total", "_dlt_load_id"} <= held.columns["orders"]
    deleted = delete_rows([find(ORDERS), find(LINES)])
    assert {table: count for table, count in deleted.items() if count} == {
        "storefront.orders": 5,
        "storefront.order_lines": 5,
    }
    assert warehouse.ids("storefront.orders") == []
    load(ORDERS, LINES, windows=[FIRST])
    assert warehouse.ids("storefront.orders") == list(range(5))


WRITERS = {
    "duckdb": DuckDbCopyJob,
    "postgres": PostgresCsvCopyJob,
    "ducklake": DuckDbCopyJob,
    "delta": DeltaLoadFilesystemJob,
    "iceberg": IcebergLoadFilesystemJob,
}


@pytest.fixture
def unconfirmed(request, monkeypatch):
    """Cut the connection after the first file is written, before its commit is confirmed; lists the attempts."""
    attempts = []

    def cut(owner, name):
        write = getattr(owner, name)

        def written_and_cut(job, *args):
            write(job, *args)
            if job.job_file_info().table_name.startswith("_dlt"):
                return
            attempts.append(job.job_file_info().retry_count)
            if len(attempts) == 1:
                raise DatabaseTransientException(OSError("server closed the connection unexpectedly"))

        monkeypatch.setattr(owner, name, written_and_cut)

    cut(WRITERS[request.config.getoption("destination")], "run")
    cut(InsertValuesLoadJob, "run")
    cut(dlt_retries, "_merge")
    return attempts


COPIED = {"id": {"data_type": "bigint"}, "v": {"data_type": "text"}}


@pytest.mark.parametrize("known", [False, True], ids=["appended", "merged"])
def test_a_file_whose_commit_was_not_confirmed_is_not_there_twice(declare, load_pages, warehouse, known, unconfirmed):
    things, rows = declare(columns=COPIED), [{"id": id, "v": "x"} for id in range(3)]
    unconfirmed.append("the load before")
    load_pages(things, rows if known else [{"id": -1}])
    unconfirmed.clear()
    load_pages(things, rows)
    assert unconfirmed == [0, 1]
    assert [id for id in warehouse.ids("shop.things") if id >= 0] == [0, 1, 2]


@pytest.mark.only_in("duckdb", "postgres", "ducklake")
def test_rows_of_child_tables_whose_commit_was_not_confirmed_are_not_there_twice(
    declare, load_pages, warehouse, unconfirmed
):
    things, rows = declare(), [{"id": id, "lines": [{"n": 1}, {"n": 2}]} for id in range(3)]
    load_pages(things, rows)
    assert unconfirmed.count(0) == 2 and 1 in unconfirmed  # each table has a file
    unconfirmed.clear()
    load_pages(things, rows)
    assert 1 in unconfirmed
    assert warehouse.ids("shop.things") == [0, 1, 2]
    assert warehouse.query("SELECT count(*) FROM shop.things__lines") == [(6,)]


@pytest.mark.journey
@pytest.mark.only_in("duckdb", "postgres", "ducklake")
def test_a_load_of_several_files_is_read_again_if_a_commit_was_not_confirmed(
    declare, load_pages, warehouse, unconfirmed, monkeypatch
):
    monkeypatch.setenv("DATA_WRITER__FILE_MAX_ITEMS", "2")
    monkeypatch.setenv("DATA_WRITER__BUFFER_MAX_ITEMS", "1")
    things, pages = declare(columns=COPIED), [[{"id": page * 5_000 + n} for n in range(5_000)] for page in range(2)]
    with pytest.raises(TransientLoadError, match="not known whether things"):
        load_pages(things, *pages)
    load_pages(things, *pages)
    assert warehouse.ids("shop.things") == list(range(10_000))


@SERVED
def test_a_window_loaded_three_times_concurrently_beside_another_family_leaves_every_row_once(api, warehouse):
    windows = [window.key for window in opened()[:2]]
    api.set(ORDERS, [order(id, f"{windows[id % 2]}T00:00:00") for id in range(300)])
    api.set("storefront/customers", [{"id": id} for id in range(150)])
    run_at_once(*[Job([ORDERS], windows)] * 2, Job([ORDERS], windows[:1]), Job(["storefront/customers"]))
    assert warehouse.ids("storefront.orders") == list(range(300))
    assert warehouse.ids("storefront.customers") == list(range(150))


PLACES = {
    "before its rows are merged": Trap("dlt.load.load:Load.create_followup_jobs"),
    "after its rows are merged": Trap("dlt.load.load:Load.complete_package"),
}


@SERVED
@pytest.mark.parametrize("place", PLACES)
def test_a_killed_load_leaves_all_old_or_all_new_rows_and_the_next_run_repairs_it(api, warehouse, place):
    contents = {}
    for status, count in (("pending", 250), ("completed", 251)):
        api.set(ORDERS, [order(id, "2024-01-15T12:00:00", status=status) for id in range(count)])
        contents[status] = [(id, status) for id in range(count)]
        if status == "pending":
            Job([ORDERS], [FIRST]).run()
    query = "SELECT id, status FROM storefront.orders ORDER BY id"
    with pytest.raises(BrokenProcessPool):
        run_at_once(Job([ORDERS], [FIRST], PLACES[place]))
    assert warehouse.query(query) in contents.values()
    Job([ORDERS], [FIRST]).run()
    assert warehouse.query(query) == contents["completed"]
