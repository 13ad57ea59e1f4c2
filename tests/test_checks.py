"""Asset checks reconcile what was loaded with what was claimed."""

from datetime import UTC, datetime

import dagster as dg
import duckdb
import pytest

from connectors_dagster.connectors import load_connectors
from connectors_dagster.definitions import defs
from connectors_dagster.defs.checks import build_checks
from tests.rows import order

FIRST = datetime(2024, 1, 31, tzinfo=UTC)


@pytest.fixture
def run_checks(instance):
    """Run all checks of storefront/orders; returns by name whether each passed."""

    def run() -> dict[str, bool]:
        checks = build_checks(load_connectors()["storefront"])
        wanted = dg.AssetSelection.checks_for_assets(dg.AssetKey(["storefront", "orders"]))
        result = dg.materialize([*(defs().assets or ()), checks], selection=wanted, instance=instance)
        return {e.check_name: e.passed for e in result.get_asset_check_evaluations()}

    return run


@pytest.fixture
def loaded(api, materialize):
    """The first window of orders, loaded."""
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00"), order(2, "2024-01-06T00:00:00")])
    assert materialize("storefront/orders", until=FIRST).errors == []


def test_what_was_just_loaded_passes_every_check(loaded, run_checks):
    assert run_checks() == {"key": True, "cursor_in_windows": True, "complete_is_read": True}


def test_a_key_that_is_there_twice_fails(loaded, run_checks, warehouse):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("INSERT INTO storefront.orders SELECT * FROM storefront.orders WHERE id = 1")
    assert run_checks()["key"] is False


def test_a_row_outside_the_windows_that_were_loaded_fails(loaded, run_checks, warehouse):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("UPDATE storefront.orders SET date_modified_gmt = '2024-02-10 00:00:00+00' WHERE id = 1")
    assert run_checks()["cursor_in_windows"] is False


def test_a_window_claimed_complete_that_was_not_read_to_its_end_fails(loaded, run_checks, instance):
    key = dg.AssetKey(["storefront", "orders"])
    record = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=key, asset_partitions=["2024-01-01"]), limit=1
    ).records[0]
    metadata = dict(record.asset_materialization.metadata)
    metadata["fetched_until"] = dg.MetadataValue.timestamp(datetime(2024, 1, 20, tzinfo=UTC))
    event = dg.AssetMaterialization(asset_key=key, partition="2024-01-01", metadata=metadata)
    instance.report_runless_asset_event(event)
    assert run_checks()["complete_is_read"] is False


def test_a_table_that_is_not_there_fails_and_says_so(api, run_checks):
    assert run_checks()["key"] is False
