"""A load that is killed or runs out of disk leaves all old or all new rows, and the next run repairs it."""

from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from connectors_dagster.errors import LoadError
from connectors_dagster.load import traits
from tests.support.processes import Job, Trap, fill_disk, run_at_once
from tests.support.rows import order

pytestmark = pytest.mark.journey

DLT = "dlt.destinations.impl"
EXTRACTION = Trap("requests.sessions:Session.send", nth=2)
NORMALIZE = Trap("dlt.normalize.items_normalizers.arrow:ArrowItemsNormalizer.__call__")
MERGING = Trap("connectors_dagster.compat.dlt_retries:_merge")
STAGED = Trap("dlt.load.load:Load.create_followup_jobs")
MERGED_IN_DUCKDB = Trap(f"{DLT}.duckdb.sql_client:DuckDbSqlClient.commit_transaction")
MERGED_IN_POSTGRES = Trap(f"{DLT}.postgres.sql_client:Psycopg2SqlClient.commit_transaction", nth=3)
COMMITTED = Trap("dlt.load.load:Load.complete_package")


BY_DLT = replace(traits.TRAITS["duckdb"], merges_files=False)


class MergedByDlt(Job):
    """A load in another process, where dlt merges the rows."""

    def _prepare(self) -> None:
        super()._prepare()
        traits.TRAITS["duckdb"] = BY_DLT


@pytest.fixture
def tables(request):
    """The warehouse, or a Postgres database."""
    return request.getfixturevalue(request.param)


def set_orders(api, status: str, *, count: int = 250) -> list[tuple[int, str]]:
    api.set("storefront/orders", [order(id, "2024-01-15T12:00:00", status=status) for id in range(count)])
    return [(id, status) for id in range(count)]


def job(trap: Trap | None = None) -> Job:
    return Job(["storefront/orders"], ["2024-01-01"], trap)


def loaded(tables) -> list[tuple[int, str]]:
    return tables.query("SELECT id, status FROM storefront.orders ORDER BY id")


def staged(tables) -> int:
    table = "_dlt_staging_storefront.orders"
    return tables.query(f"SELECT count(*) FROM {table}")[0][0] if table in tables.tables() else 0


def folders() -> list[str]:
    return [path.name for path in Path(".connectors/loads").glob("load-*")]


@pytest.mark.parametrize(
    ("tables", "place", "rows_are_new"),
    [
        pytest.param("warehouse", EXTRACTION, False, id="duckdb, extraction"),
        pytest.param("warehouse", NORMALIZE, False, id="duckdb, normalize"),
        pytest.param("warehouse", MERGING, False, id="duckdb, load before the merge"),
        pytest.param("warehouse", MERGED_IN_DUCKDB, False, id="duckdb, load in the merge"),
        pytest.param("warehouse", STAGED, True, id="duckdb, load after the merge"),
        pytest.param("warehouse", COMMITTED, True, id="duckdb, load after its end"),
        pytest.param("postgres", MERGED_IN_POSTGRES, False, id="postgres, load in the merge"),
    ],
    indirect=["tables"],
)
def test_a_killed_load_leaves_all_old_or_all_new_rows_and_the_next_run_repairs_it(api, tables, place, rows_are_new):
    old = set_orders(api, "pending")
    job().run()
    job().run()  # the first run only appended, so it created no staging table
    new = set_orders(api, "completed", count=251)
    with pytest.raises(BrokenProcessPool):
        run_at_once(job(place))
    assert loaded(tables) == (new if rows_are_new else old)
    assert staged(tables) == (251 if place is MERGED_IN_POSTGRES else 0)
    assert len(folders()) == 1

    job().run()
    assert loaded(tables) == new
    assert staged(tables) == 0
    assert folders() == []


@pytest.mark.parametrize(
    ("place", "rows_are_new"),
    [(STAGED, False), (MERGED_IN_DUCKDB, False), (COMMITTED, True)],
    ids=["before the merge", "in the merge", "after the merge"],
)
def test_a_load_that_is_killed_while_dlt_merges_is_repaired_by_the_next_run(
    api, warehouse, monkeypatch, place, rows_are_new
):
    """dlt merges in DuckDB, too, where a load has several files."""
    monkeypatch.setitem(traits.TRAITS, "duckdb", BY_DLT)
    old = set_orders(api, "pending")
    for _ in range(2):
        job().run()
    new = set_orders(api, "completed", count=251)
    with pytest.raises(BrokenProcessPool):
        run_at_once(MergedByDlt(["storefront/orders"], ["2024-01-01"], place))
    assert loaded(warehouse) == (new if rows_are_new else old)
    assert staged(warehouse) == 251
    job().run()
    assert (loaded(warehouse), folders()) == (new, [])  # dlt empties its staging table before it merges the next time


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_damaged_write_ahead_log_is_named_and_the_next_run_loads_what_was_in_it(api, warehouse, is_cut):
    """DuckDB takes the end of a log that was cut off for the last that was written."""
    old = set_orders(api, "pending")
    job().run()
    new = set_orders(api, "completed", count=251)
    with pytest.raises(BrokenProcessPool):
        run_at_once(job(COMMITTED))
    path = warehouse.path.with_name("warehouse.duckdb.wal")
    log = path.read_bytes()
    path.write_bytes(log[: len(log) // 2] if is_cut else log[:-1000] + b"?" + log[-999:])
    if not is_cut:
        with pytest.raises(LoadError, match=r"has a damaged write-ahead log: .*Move the file .*duckdb\.wal away"):
            job().run()
        path.rename("moved.wal")
        assert loaded(warehouse) == old
    job().run()
    assert loaded(warehouse) == new


def test_a_first_load_killed_while_it_creates_its_tables_is_repaired_by_the_next_run(api, warehouse):
    orders = set_orders(api, "completed")
    with pytest.raises(BrokenProcessPool):
        run_at_once(job(MERGED_IN_DUCKDB))
    job().run()
    assert (loaded(warehouse), folders()) == (orders, [])
    assert "_dlt_staging_storefront.orders" not in warehouse.tables() or staged(warehouse) == 0


def test_a_full_disk_during_the_load_is_reported_and_changes_nothing(api, warehouse, monkeypatch):
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")
    old = set_orders(api, "pending")
    job().run()
    new = set_orders(api, "completed" * 500, count=2500)
    with pytest.raises(LoadError, match=r"storefront_orders: .*warehouse\.duckdb.*File too large"):
        run_at_once(job(Trap("dlt.load.load:Load.run", fill_disk)))
    assert (loaded(warehouse), folders()) == (old, [])
    job().run()
    assert (loaded(warehouse), staged(warehouse), folders()) == (new, 0, [])


def test_a_full_disk_during_extraction_is_reported_and_changes_nothing(api, warehouse):
    old = set_orders(api, "pending")
    job().run()
    api.set("storefront/orders", [order(id, "2024-01-15T12:00:00", status=uuid4().hex) for id in range(5_000)])
    with pytest.raises(LoadError, match="File too large"):
        run_at_once(job(Trap("requests.sessions:Session.send", fill_disk)))
    assert (loaded(warehouse), folders()) == (old, [])
