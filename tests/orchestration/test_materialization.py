"""The metadata of a materialization (counts, first rows, origins of columns) and of a failure (the response)."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from connectors_dagster.connectors import load_connector
from connectors_dagster.definitions import defs
from connectors_dagster.orchestration.asset_specs import freshness
from connectors_dagster.sandbox import CREDENTIALS
from tests.support.recorded import told
from tests.support.rows import address, customer, order, product

API_KEY = CREDENTIALS["catalog"]["api_key"]
SPECS = {spec.key.to_user_string(): spec for spec in defs().resolve_all_asset_specs()}


def failure(result: dg.ExecuteInProcessResult) -> dg.Failure:
    """The failure of a failed run."""
    (event,) = result.get_step_failure_events()
    said = event.step_failure_data.user_failure_data
    assert said
    return dg.Failure(said.description, metadata=said.metadata)


def test_a_window_records_what_was_received_what_was_kept_and_how_long_it_took(api, run_assets):
    api.set("billing/products", [product("a", "2024-01-05T00:00:00Z"), product("b", "2024-02-05T00:00:00Z")])
    window = told(run_assets("billing/products"), "billing/products")
    assert (window["rows"], window["outside"], window["keys_read"]) == (1, 1, 2)
    assert window["dagster/partition_row_count"] == window["dagster/row_count"] == 1
    assert {"seconds_schema", "seconds_read", "seconds_load"} <= window.keys()


def test_rows_that_belong_to_no_window_are_named_in_the_summary_with_a_hint(api, materialize):
    times = ("2023-12-05T00:00:00Z", "2024-01-05T00:00:00Z", "2999-01-01T00:00:00Z")
    api.set("billing/products", [product(str(number), at) for number, at in enumerate(times)])
    early, late = materialize("billing/products").remarks
    assert early.startswith("billing/products: rows that are older than the first window and were not loaded: 1.")
    assert "SOURCES__BILLING__START_DATE" in early
    assert late.startswith("billing/products: rows that are newer than the last window and were not loaded: 1.")


def test_the_row_count_is_that_of_the_table_and_not_of_the_read(api, run_assets):
    api.set("storefront/customers", [{"id": 1}, {"id": 2}])
    run_assets("storefront/customers")
    api.set("storefront/customers", [{"id": 3}])
    assert told(run_assets("storefront/customers"), "storefront/customers")["dagster/row_count"] == 3


def test_all_windows_of_a_run_of_several_loads_show_the_size_that_the_table_has_at_its_end(api, materialize, instance):
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00"), order(2, "2025-02-05T00:00:00")])
    materialize("storefront/orders", until=datetime(2025, 3, 1, tzinfo=UTC))  # 15 windows, twelve a load
    found = instance.fetch_materializations(dg.AssetRecordsFilter(dg.AssetKey(["storefront", "orders"])), limit=15)
    shown = [record.asset_materialization.metadata["dagster/row_count"].value for record in found.records]
    assert shown == [2] * 15


def test_the_first_five_rows_are_shown_as_a_table_key_and_cursor_first(api, run_assets):
    api.set("storefront/orders", [order(id, "2024-01-05T00:00:00") for id in range(1, 8)])
    lines = told(run_assets("storefront/orders"), "storefront/orders")["preview"].splitlines()
    assert [name.strip() for name in lines[0].split("|")[1:3]] == ["id", "date_modified_gmt"]
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["1", "2", "3", "4", "5"]


def test_the_recorded_query_returns_the_rows_of_its_window(api, run_assets, load, warehouse):
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00"), order(2, "2024-02-05T00:00:00")])
    load("storefront/orders", windows=["2024-01-31"])
    query = told(run_assets("storefront/orders"), "storefront/orders")["sql"]
    assert warehouse.ids("storefront.orders") == [1, 2]
    assert [row[0] for row in warehouse.query(query.strip("`").removeprefix("sql"))] == [1]


def test_the_preview_of_a_row_is_short_keeps_the_table_intact_and_contains_no_secret(api, run_assets):
    note = f"<b>a|b\nc</b> {API_KEY} " + "long " * 100
    api.set("catalog/ecommerce_data", [{"id": 1, "note": note}])
    preview = told(run_assets("catalog/ecommerce_data"), "catalog/ecommerce_data")["preview"]
    assert "&lt;b>a\\|b c&lt;/b> ***" in preview
    assert API_KEY not in preview
    assert max(map(len, preview.splitlines())) < 500


def test_the_preview_of_rows_can_be_turned_off(api, run_assets, monkeypatch):
    monkeypatch.setenv("CONNECTORS__PREVIEW_ROWS", "0")
    api.set("catalog/ecommerce_data", [{"id": 1, "note": "private"}])
    assert told(run_assets("catalog/ecommerce_data"), "catalog/ecommerce_data")["preview"] == "No rows."


def test_columns_show_which_are_key_and_cursor_and_which_come_from_the_parent(api, run_assets):
    roles = {
        column.name: column.tags for column in SPECS["storefront/orders"].metadata["dagster/column_schema"].columns
    }
    assert (roles["id"], roles["date_modified_gmt"], roles["total"]) == ({"primary_key": ""}, {"cursor": ""}, {})
    api.set("billing/customers", [customer("c1")])
    api.set("billing/customer_addresses", [address("a1", "c1")])
    result = run_assets("billing/customers", "billing/customer_addresses")
    lineage = told(result, "billing/customer_addresses")["dagster/column_lineage"]
    assert lineage.deps_by_column == {"_customers_id": [dg.TableColumnDep(dg.AssetKey(["billing", "customers"]), "id")]}
    assert "dagster/column_lineage" not in told(result, "billing/customers")


def test_a_materialization_also_shows_columns_the_api_added(api, run_assets):
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00", gift_note="For you")])
    columns = told(run_assets("storefront/orders"), "storefront/orders")["dagster/column_schema"].columns
    assert "gift_note" in [column.name for column in columns]


def test_a_materialization_does_not_repeat_the_columns_of_its_asset(api, run_assets):
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00")])
    assert "dagster/column_schema" not in told(run_assets("storefront/orders"), "storefront/orders")


def test_an_asset_is_stale_after_a_day_without_a_load_unless_configured(monkeypatch):
    day = dg.FreshnessPolicy.time_window(timedelta(hours=24), timedelta(hours=12))
    assert {spec.freshness_policy for key, spec in SPECS.items() if not key.endswith("/api")} == {day}
    monkeypatch.setenv("SOURCES__STOREFRONT__STALE_AFTER_HOURS", "200")
    assert freshness(load_connector("storefront")) == dg.FreshnessPolicy.time_window(
        timedelta(hours=200), timedelta(hours=100)
    )
    monkeypatch.setenv("SOURCES__STOREFRONT__STALE_AFTER_HOURS", "0")
    with pytest.raises(ValueError, match="SOURCES__STOREFRONT__STALE_AFTER_HOURS"):
        freshness(load_connector("storefront"))


def test_a_failed_run_records_the_response_of_the_api_without_secrets(api, run_assets):
    body = {"message": f"{API_KEY} is revoked"}
    api.answer("/v1/resource", 403, body, headers={"X-Request-Id": "req-47"})
    said = failure(run_assets("catalog/ecommerce_data"))
    recorded = {name: value.value for name, value in said.metadata.items()}
    assert "check their scope" in str(said.description)
    assert (recorded["status"], recorded["request_id"], recorded["body"]) == (
        403,
        "req-47",
        '{"message":"*** is revoked"}',
    )
    assert recorded["request"].startswith("GET http://127.0.0.1:")
    assert not any(secret in str(recorded) for secret in api.secrets)


def test_a_response_that_is_not_a_list_of_rows_is_also_recorded(api, run_assets):
    api.answer("/v1/resource", 200, {"rows": []}, headers={"Request-Id": "req-48"})
    recorded = {name: value.value for name, value in failure(run_assets("catalog/ecommerce_data")).metadata.items()}
    assert (recorded["status"], recorded["request_id"]) == (200, "req-48")


def test_several_responses_of_one_run_are_all_recorded(api, run_assets):
    api.set("billing/customers", [customer("c1")])
    api.answer("/addresses", 403)
    api.answer("/businesses", 400)
    said = failure(run_assets("billing/customers", "billing/customer_addresses", "billing/businesses"))
    assert (said.metadata["status"].value, said.metadata["status (2)"].value) == (403, 400)
