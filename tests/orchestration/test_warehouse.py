"""A window counts as loaded only while the destination holds its load."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg
import pytest
from starlette.requests import Request

from connectors_dagster import load_connectors
from connectors_dagster.definitions import defs
from connectors_dagster.errors import LoadError
from connectors_dagster.orchestration import assets, clock, runs
from connectors_dagster.orchestration.backlog import backlog
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.instance import open_instance
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.selection import select
from tests.support.postgres import Postgres
from tests.support.rows import order

FIRST, SECOND, THIRD = "2024-01-01", "2024-01-31", "2024-03-01"
MIDDLE = datetime(2024, 1, 31, tzinfo=UTC)
ALTERED = ["DROP TABLE storefront.orders", "ALTER TABLE storefront.orders DROP COLUMN currency"]


@pytest.fixture(autouse=True)
def orders(api, monkeypatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2024, 3, 20, tzinfo=UTC))
    api.set("storefront/orders", [order(1, "2024-01-10T00:00:00"), order(2, "2024-02-10T00:00:00")])


@pytest.fixture
def left(instance: dg.DagsterInstance) -> Callable[..., list[str]]:
    """The windows of orders that a refresh would load."""

    def left_(on: dg.DagsterInstance = instance) -> list[str]:
        storefront = ConnectorAssets(connector=load_connectors()["storefront"])
        plans = backlog(on, storefront, clock.now(), among=[storefront.connector.graph["orders"]])
        return [key for plan in plans for key in plan.windows]

    return left_


def test_windows_of_a_deleted_file_are_loaded_again(materialize, left, warehouse):
    materialize("storefront/orders")
    assert left() == [THIRD]
    warehouse.path.unlink()
    assert left() == [FIRST, SECOND, THIRD]
    materialize("storefront/orders")
    assert (left(), warehouse.ids("storefront.orders")) == ([THIRD], [1, 2])


def test_windows_that_a_restored_backup_does_not_hold_are_loaded_again(materialize, left, warehouse, tmp_path):
    materialize("storefront/orders", until=MIDDLE)
    shutil.copy(warehouse.path, tmp_path / "backup")
    materialize("storefront/orders", since=MIDDLE)
    shutil.copy(tmp_path / "backup", warehouse.path)
    assert left() == [SECOND, THIRD]


@pytest.mark.journey
def test_windows_that_a_restored_instance_does_not_know_are_loaded_again_and_rows_stay_unique(
    materialize, left, warehouse, project, tmp_path
):
    home, backup = project / ".dagster", tmp_path / "backup"
    materialize("storefront/orders", until=MIDDLE)
    shutil.copytree(home, backup)
    materialize("storefront/orders", since=MIDDLE)
    shutil.rmtree(home)
    shutil.copytree(backup, home)
    with open_instance(project) as restored:
        assert left(restored) == [SECOND, THIRD]
        selected = select(load_location(), ["storefront/orders"])
        assert runs.execute(defs(), restored, list(runs.plan(restored, selected))).errors == []
        assert left(restored) == [THIRD]
    assert warehouse.ids("storefront.orders") == [1, 2]


CHANGED_GRIDS = {
    # Of the shorter windows, those count that start where a longer one did.
    "STEP=P15D": ["2024-01-16", "2024-02-15", "2024-03-16"],
    "STEP=P60D": [FIRST, THIRD],
    "START_DATE=2023-12-02": ["2023-12-02", THIRD],
    "START_DATE=2023-12-15": ["2023-12-15", "2024-01-14", "2024-02-13", "2024-03-14"],
    "START_DATE=2024-01-31": [THIRD],
}


def test_after_a_change_of_step_or_start_windows_count_that_start_as_before_and_are_read_to_their_end(
    materialize, left, warehouse, monkeypatch
):
    materialize("storefront/orders")
    for setting, missing in CHANGED_GRIDS.items():
        name, value = setting.split("=")
        with monkeypatch.context() as changed:
            changed.setenv(f"SOURCES__STOREFRONT__{name}", value)
            assert left() == missing, setting
    monkeypatch.setenv("SOURCES__STOREFRONT__STEP", "P15D")
    assert materialize("storefront/orders").errors == []
    assert (left(), warehouse.ids("storefront.orders")) == (["2024-03-16"], [1, 2])


def test_a_window_without_rows_is_not_loaded_after_the_file_was_exchanged(api, materialize, left, warehouse):
    """Its last record names the load before it, because it brought no rows itself."""
    materialize("storefront/orders")
    api.set("storefront/orders", [])
    materialize("storefront/orders", until=MIDDLE)
    assert left() == [THIRD]
    warehouse.path.unlink()
    assert FIRST in left()


def test_an_empty_shop_is_complete_without_a_load(api, materialize, left):
    api.set("storefront/orders", [])
    materialize("storefront/orders")
    assert left() == [THIRD]


@pytest.mark.parametrize("change", ALTERED)
def test_a_table_that_was_altered_by_hand_is_repaired_and_loaded_again(materialize, left, warehouse, change):
    materialize("storefront/orders")
    before = warehouse.query("SELECT id, currency FROM storefront.orders ORDER BY id")
    warehouse.change(change)
    assert materialize("storefront/orders", since=MIDDLE).errors == []
    assert left() == [FIRST, THIRD]
    materialize("storefront/orders", until=MIDDLE)
    assert warehouse.query("SELECT id, currency FROM storefront.orders ORDER BY id") == before


def test_a_refresh_reads_the_whole_window_if_the_file_was_exchanged(api, run_assets, warehouse):
    run_assets("storefront/orders")
    warehouse.path.unlink()
    run_assets("storefront/orders", full=False)
    assert warehouse.ids("storefront.orders") == [1]


@pytest.fixture
def change_once(api, warehouse) -> Callable[[str], None]:
    """Change the warehouse as soon as orders are requested: by a statement, or without one by deleting the file."""

    def change_once_(statement: str) -> None:
        left = [statement]

        def change(request: Request) -> None:
            if left and request.url.path.endswith("/orders"):
                found = left.pop()
                warehouse.change(found) if found else warehouse.path.unlink()

        api.faults.append(change)

    return change_once_


@pytest.mark.parametrize("when", ["before", "during"])
@pytest.mark.parametrize("change", ["", *ALTERED])
def test_a_refresh_reads_the_whole_window_if_the_warehouse_changed_before_or_during_the_read(
    api, run_assets, warehouse, monkeypatch, change_once, change, when
):
    monkeypatch.setattr(assets, "RETRY", assets.RETRY._replace(delay=0))
    api.set("storefront/orders", [order(1, "2024-01-10T00:00:00", currency="EUR")])
    run_assets("storefront/orders")
    change_once(change)
    if when == "before":
        api.faults[-1](Request({"type": "http", "path": "/orders", "headers": []}))
    assert run_assets("storefront/orders", full=False).success
    assert warehouse.query("SELECT id, currency FROM storefront.orders") == [(1, "EUR")]


RETYPED = "ALTER TABLE storefront.orders ALTER total TYPE"


@pytest.mark.parametrize("type_", ["INTEGER", "DECIMAL(9, 2)", "VARCHAR"])
def test_a_column_whose_type_was_altered_by_hand_is_named_and_nothing_is_loaded(
    api, materialize, left, warehouse, type_
):
    api.set("storefront/orders", [order(1, "2024-01-10T00:00:00", total="10.25")])
    materialize("storefront/orders")
    warehouse.change(f"{RETYPED} {type_}")
    before = warehouse.query("SELECT * FROM storefront.orders")
    api.set("storefront/orders", [order(1, "2024-01-10T00:00:00", total="10.75"), order(2, "2024-01-11T00:00:00")])
    [error] = materialize("storefront/orders").errors
    assert "storefront.orders.total" in error and "drop the table" in error
    assert warehouse.query("SELECT * FROM storefront.orders") == before
    warehouse.change("DROP TABLE storefront.orders")
    assert materialize("storefront/orders").errors == []
    assert warehouse.ids("storefront.orders") == [1, 2]


@pytest.mark.parametrize("damage", [lambda data: data[::-1], lambda data: data[: len(data) // 2], lambda _: b""])
def test_a_damaged_file_is_named_and_nothing_is_waited_for(load, warehouse, damage):
    load("storefront/orders", windows=[FIRST])
    warehouse.path.write_bytes(damage(warehouse.path.read_bytes()))
    with pytest.raises(LoadError, match=r"warehouse.duckdb is damaged: .*Restore a backup, or move the file"):
        load("storefront/orders", windows=[FIRST])


def test_windows_in_another_database_of_the_same_kind_do_not_count(postgres, materialize, left, monkeypatch):
    materialize("storefront/orders")
    assert left() == [THIRD]
    other = Postgres(postgres.port, f"{postgres.database}_other")
    other.create()
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", other.url)
    assert left() == [FIRST, SECOND, THIRD]
