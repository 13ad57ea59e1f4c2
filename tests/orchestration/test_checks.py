"""Asset checks compare loaded tables with what their loads recorded."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from connectors_dagster import Connector, load_connectors
from connectors_dagster.definitions import defs
from connectors_dagster.orchestration import assets
from connectors_dagster.orchestration.assets import build_assets
from connectors_dagster.orchestration.checks import CHECKS, build_checks
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.runs import RANGE_END, RANGE_START
from tests.support.rows import order

CHANGED = pytest.mark.only_in("duckdb", "ducklake")
STOREFRONT = load_connectors()["storefront"]
FIRST = datetime(2024, 1, 31, tzinfo=UTC)


@pytest.fixture
def run_checks(instance):
    """Run all checks of a resource of the storefront; return the result of each by name."""

    def run(table: str = "orders", storefront: Connector = STOREFRONT) -> dict[str, dg.AssetCheckEvaluation]:
        wanted = dg.AssetSelection.checks_for_assets(dg.AssetKey(["storefront", table]))
        assets = ConnectorAssets(connector=storefront)
        definitions = [*build_assets(assets), build_checks(assets)]
        result = dg.materialize(definitions, selection=wanted, instance=instance)
        return {e.check_name: e for e in result.get_asset_check_evaluations()}

    return run


@pytest.fixture
def loaded(api, materialize, warehouse):
    """The first window of orders, loaded."""
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00"), order(2, "2024-01-06T00:00:00")])
    assert materialize("storefront/orders", until=FIRST).errors == []


def test_rows_just_loaded_pass_every_check(loaded, run_checks):
    assert {name: check.passed for name, check in run_checks().items()} == {
        "key": True,
        "columns": True,
        "source_count": True,
        "cursor_in_windows": True,
        "complete_is_read": True,
    }


@CHANGED
def test_a_duplicate_key_fails(loaded, run_checks, warehouse):
    warehouse.change("INSERT INTO storefront.orders SELECT * FROM storefront.orders WHERE id = 1")
    assert not run_checks()["key"].passed


@CHANGED
def test_a_row_outside_the_loaded_windows_fails(loaded, run_checks, warehouse):
    warehouse.change("UPDATE storefront.orders SET date_modified_gmt = '2024-02-10 00:00:00+00' WHERE id = 1")
    assert not run_checks()["cursor_in_windows"].passed


@CHANGED
def test_a_cursor_that_says_that_there_is_no_time_is_not_outside(loaded, run_checks, warehouse):
    warehouse.change("UPDATE storefront.orders SET date_modified_gmt = '0001-01-01 00:00:00+00' WHERE id = 1")
    warehouse.change("UPDATE storefront.orders SET date_modified_gmt = '9999-12-31 23:59:59+00' WHERE id = 2")
    assert run_checks()["cursor_in_windows"].passed


def test_a_window_marked_complete_but_not_read_to_its_end_fails(loaded, run_checks, instance):
    key = dg.AssetKey(["storefront", "orders"])
    record = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=key, asset_partitions=["2024-01-01"]), limit=1
    ).records[0]
    metadata = dict(record.asset_materialization.metadata)
    metadata["fetched_until"] = dg.MetadataValue.timestamp(datetime(2024, 1, 20, tzinfo=UTC))
    event = dg.AssetMaterialization(asset_key=key, partition="2024-01-01", metadata=metadata)
    instance.report_runless_asset_event(event)
    assert not run_checks()["complete_is_read"].passed


def test_a_table_that_does_not_exist_fails(api, run_checks):
    assert not run_checks()["key"].passed


def test_a_run_leaves_its_checks_to_another_one_that_will_load_more_of_the_family(api, instance):
    job, orders = defs().resolve_job_def("storefront"), dg.AssetKey(["storefront", "orders"])
    instance.add_dynamic_partitions("windows_P30D_from_2024-01-01", ["2024-01-01"])

    def load() -> int:
        """Load a window as the UI does; return the number of checks that were run."""
        result = job.execute_in_process(asset_selection=[orders], partition_key="2024-01-01", instance=instance)
        return len(result.get_asset_check_evaluations())

    later = instance.create_run_for_job(
        job.get_subset(asset_selection={orders}),
        status=dg.DagsterRunStatus.STARTED,
        tags=dict.fromkeys((RANGE_START, RANGE_END), "2024-01-01"),
    )
    assert load() == 0
    instance.report_run_canceled(later)
    assert load() == len(CHECKS)


def numbers(check: dg.AssetCheckEvaluation) -> dict[str, object]:
    return {name: value.value for name, value in check.metadata.items()}


def test_the_total_of_the_api_is_compared_with_the_keys_that_were_read(loaded, run_checks):
    assert numbers(run_checks()["source_count"]) == {
        "source_rows": 2,
        "keys_read": 2,
        "reads_compared": 1,
        "windows_that_differ": [],
    }


def test_fewer_keys_than_the_total_of_the_api_fail_the_load_and_leave_the_window_as_it_was(
    api, materialize, run_checks, monkeypatch
):
    monkeypatch.setattr(assets, "RETRY", assets.RETRY._replace(delay=0))
    short = {"data": [order(1, "2024-01-05T00:00:00")]}
    api.answer("/orders", body=short, headers={"X-WP-Total": "1"}, times=1)
    materialize("storefront/orders", until=FIRST)
    assert run_checks()["source_count"].passed
    api.answer("/orders", body=short, headers={"X-WP-Total": "2"}, times=1)
    api.answer("/orders", body={"data": []}, headers={"X-WP-Total": "2"})
    assert "the API reports a total of 2" in "".join(materialize("storefront/orders", until=FIRST).errors)
    check = run_checks()["source_count"]
    assert (check.passed, check.severity) == (True, dg.AssetCheckSeverity.WARN)
    assert (numbers(check)["source_rows"], numbers(check)["keys_read"]) == (1, 1)


def test_a_resource_without_windows_is_compared_with_the_total_too(api, materialize, run_checks):
    api.set("storefront/customers", [{"id": id} for id in range(250)])
    assert materialize("storefront/customers").errors == []
    assert numbers(run_checks("customers")["source_count"]) == {
        "source_rows": 250,
        "keys_read": 250,
        "reads_compared": 1,
    }


def test_without_a_total_the_check_says_that_it_compared_nothing(api, materialize, run_checks):
    api.answer("/customers", body={"data": [{"id": 1}]})
    materialize("storefront/customers")
    assert "has not reported a total" in str(numbers(run_checks("customers")["source_count"])["reason"])


def test_a_table_without_declared_columns_has_no_check_of_its_columns(monkeypatch):
    monkeypatch.delitem(STOREFRONT.tables, "order_lines")  # some columns of such a table are added to what is read
    checks = build_checks(ConnectorAssets(connector=STOREFRONT)).check_keys
    checked = {key.asset_key.path[-1] for key in checks if key.name == "columns"}
    assert checked == {"customers", "coupons", "orders"}


def test_an_undeclared_field_is_a_warning_that_names_it_and_fails_no_other_check(api, materialize, run_checks):
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00", gift_note="For you")])
    materialize("storefront/orders", until=FIRST)
    checks = run_checks()
    assert {name for name, check in checks.items() if not check.passed} == {"columns"}
    assert checks["columns"].severity == dg.AssetCheckSeverity.WARN
    assert numbers(checks["columns"]) == {"added": {"gift_note": "text"}}


def test_a_column_whose_declared_type_differs_from_the_table_is_a_warning(loaded, run_checks, monkeypatch):
    storefront = load_connectors()["storefront"]
    declared = {**storefront.tables["orders"]["parent_id"], "data_type": "text"}
    monkeypatch.setitem(storefront.tables["orders"], "parent_id", declared)
    assert numbers(run_checks(storefront=storefront)["columns"])["type_changed"] == {
        "parent_id": "text, but bigint in the table"
    }
