"""Chargebee: windows in epoch seconds, rows without a modification time, deleted rows, two catalogs."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import httpx
import orjson
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from connectors_dagster import load_connectors
from connectors_dagster.errors import ApiError
from connectors_dagster.sandbox import CREDENTIALS, base_url

CHARGEBEE = load_connectors()["chargebee"]
WINDOWED = [r for r in CHARGEBEE.graph.values() if r.cursor]
FIRST, SECOND, THIRD = "2024-01-01", "2024-01-31", "2024-03-01"
OTHER_CATALOG = {
    "message": "This API operation is not enabled for this site.",
    "api_error_code": "configuration_incompatible",
}
SITE_NOT_FOUND = {"message": "The site is not found.", "api_error_code": "site_not_found"}


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def row(id: str, at: str | None = "2024-01-05", **fields: Any) -> dict[str, Any]:
    """Make a row with timestamps; without `at`, it was not changed since 2016."""
    times = {"updated_at": seconds(at), "created_at": seconds(at), "occurred_at": seconds(at)} if at else {}
    return {"id": id, **times, **fields}


def bounds(resource: Any, window: str, end: str) -> dict[str, str]:
    return {f"{resource.incremental['cursor_path']}[between]": f"[{seconds(window) - 1},{seconds(end)}]"}


def rows_by_window(stats_by_slice: Any) -> list[int]:
    return [stats.rows for stats in stats_by_slice.values()]


@pytest.mark.parametrize("resource", WINDOWED, ids=lambda r: r.name)
def test_a_window_is_requested_in_epoch_seconds_with_documented_parameters_only(api, load, resource):
    api.set(str(resource), [row("a", "2024-02-05")])
    load(str(resource), windows=[SECOND])
    (asked,) = api.asked(resource.endpoint["path"])
    deleted = {
        *("addon", "credit_note", "customer", "invoice", "order", "payment_source"),
        *("plan", "quote", "subscription", "transaction", "unbilled_charge"),
    }
    too = {"include_deleted": "true"} if resource.name in deleted else {}
    assert asked == {"limit": "100", **too, **bounds(resource, SECOND, THIRD)}


@pytest.mark.parametrize(
    ("path", "name"),
    [("addons", "sort_by[asc]"), ("items", "include_deleted"), ("differential_prices", "updated_at[after]")],
)
def test_the_sandbox_refuses_parameters_that_a_list_does_not_document(api, path, name):
    for resource in ("addon", "item", "differential_price"):
        api.set(f"chargebee/{resource}", [row("a")])
    url = f"{base_url(api.port, 'chargebee')}/{path}"
    key = CREDENTIALS["chargebee"]["api_key"]
    assert [httpx.get(url, params=params, auth=(key, "")).status_code for params in ({}, {name: "updated_at"})] == [
        200,
        400,
    ]


def test_pages_follow_the_offset_unchanged_and_keep_the_filter(api, load, warehouse):
    api.set("chargebee/invoice", [row(f"in_{n:03}", "2024-02-05") for n in range(201)])
    [stats] = load("chargebee/invoice", windows=[SECOND])["chargebee/invoice"].values()
    first, second, third = api.asked("/invoices")
    assert [len(orjson.loads(asked.pop("offset"))) for asked in (second, third)] == [2, 2]
    assert first == second == third
    assert (stats.rows, stats.pages) == (201, 3)
    assert len(warehouse.ids("chargebee.invoice")) == 201


def test_a_row_on_the_edge_of_a_window_lands_in_one_window_whether_between_includes_its_bounds_or_not(
    api, load, warehouse
):
    api.set("chargebee/order", [row("a", "2024-01-30T23:59:59"), row("b", SECOND), row("c", THIRD)])

    def exclusive(request: Request) -> JSONResponse | None:
        if not (between := request.query_params.get("updated_at[between]")):
            return None
        start, end = orjson.loads(between)
        rows = [row for row in api.tables["chargebee"]["order"] if start < row["updated_at"] < end]
        return JSONResponse({"list": [{"order": row} for row in rows]})

    for fault in ([], [exclusive]):
        api.faults[:] = fault
        for window in (THIRD, SECOND):
            load("chargebee/order", windows=[window])
        assert warehouse.ids("chargebee.order") == ["b", "c"]


# Rows without a modification time


def test_the_first_window_is_read_without_the_filter_and_includes_the_rows_that_it_hides(api, load, warehouse):
    api.set("chargebee/transaction", [row("old", None), row("first"), row("second", "2024-02-05")])
    [stats] = load("chargebee/transaction", windows=[FIRST])["chargebee/transaction"].values()
    assert api.asked("/transactions") == [{"limit": "100", "include_deleted": "true"}]
    assert (stats.rows, stats.without_cursor, stats.outside) == (2, 1, 1)
    assert warehouse.ids("chargebee.transaction") == ["first", "old"]


def test_other_windows_of_the_run_are_filtered_from_the_same_responses(api, load, warehouse):
    api.set("chargebee/transaction", [row("old", None), row("first"), row("second", "2024-02-05")])
    stats_by_slice = load("chargebee/transaction")["chargebee/transaction"]
    assert len(api.asked("/transactions")) == 1
    assert rows_by_window(stats_by_slice) == [2, 1, 0, 0]
    assert warehouse.ids("chargebee.transaction") == ["first", "old", "second"]


def test_a_list_whose_rows_never_change_is_always_filtered(api, load):
    load("chargebee/comment", windows=[FIRST])
    assert "created_at[between]" in api.asked("/comments")[0]


# Deleted rows, and fields of the site


@pytest.mark.parametrize("name", ["customer", "invoice", "unbilled_charge"])
def test_deleted_rows_are_loaded_and_flagged(api, load, warehouse, name):
    api.set(f"chargebee/{name}", [row("a", deleted=False), row("b", deleted=True)])
    load(f"chargebee/{name}")
    assert warehouse.query(f"SELECT id, deleted FROM chargebee.{name} ORDER BY id") == [("a", False), ("b", True)]


def test_the_sites_own_fields_become_columns_and_are_reported(api, load, warehouse):
    api.set("chargebee/customer", [row("a", cf_colour="grün", meta_data={"tier": [1]})])
    [first, *_] = load("chargebee/customer")["chargebee/customer"].values()
    assert warehouse.query("SELECT cf_colour, meta_data FROM chargebee.customer") == [("grün", '{"tier":[1]}')]
    assert "cf_colour" in first.drift


def test_seconds_become_timestamps_and_money_stays_an_integer(api, load, warehouse):
    fields = {"date": seconds("2024-01-05"), "total": 2**53 + 1, "exchange_rate": 0.000000001}
    api.set("chargebee/invoice", [row("in_1", **fields)])
    load("chargebee/invoice")
    [(date, total, rate)] = warehouse.query("SELECT epoch(date), total, exchange_rate::TEXT FROM chargebee.invoice")
    assert (date, total, rate) == (seconds("2024-01-05"), 2**53 + 1, "0.000000001")


# Product catalogs


def test_a_resource_of_the_other_catalog_is_reported_as_not_available(api, load, warehouse, caplog):
    with caplog.at_level(logging.WARNING):
        [stats] = load("chargebee/plan", windows=[SECOND])["chargebee/plan"].values()
    assert (stats.rows, stats.requests) == (0, 1)
    assert "answered 400" in stats.not_available and "configuration_incompatible" in stats.not_available
    assert [
        r
        for r in caplog.records
        if "chargebee/plan window 2024-01-31: response ignored as configured (not_available)" in r.getMessage()
    ]
    assert warehouse.query("SELECT id, price, updated_at FROM chargebee.plan") == []


def test_nothing_is_deleted_when_a_resource_is_not_available_any_more(api, load, warehouse):
    api.set("chargebee/item", [row("silver")])
    api.set("chargebee/attached_item", [row("a", parent_item_id="silver")])
    load("chargebee/item", "chargebee/attached_item")
    for path in ("/attached_items", "/items"):
        api.answer(path, 400, OTHER_CATALOG)
        load("chargebee/item", "chargebee/attached_item")
        assert warehouse.ids("chargebee.attached_item") == ["a"]
    assert warehouse.ids("chargebee.item") == ["silver"]


def test_any_other_400_fails(api, read):
    api.answer("/plans", 400, {"message": "limit : is wrong", "api_error_code": "param_wrong_value"})
    with pytest.raises(ApiError, match=r"chargebee/plan .*answered 400.*param_wrong_value"):
        read("chargebee/plan")


def test_an_asset_reports_that_it_is_not_available(api, materialize, instance, monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "chargebee")
    summary = materialize("chargebee/differential_price")
    assert summary.errors == []
    event = instance.get_latest_materialization_event(dg.AssetKey(["chargebee", "differential_price"]))
    metadata = event.asset_materialization.metadata
    assert "configuration_incompatible" in metadata["not_available"].value
    assert (metadata["rows"].value, metadata["ignored"].value) == (0, 1)


# Children


def test_a_deleted_parent_has_no_children_and_is_counted(api, load, warehouse):
    api.set("chargebee/customer", [row("a"), row("b", deleted=True)])
    api.set("chargebee/contact", [{"id": f"c_{parent}", "parent": parent} for parent in "ab"])
    stats_by_slice = load("chargebee/customer", "chargebee/contact")["chargebee/contact"].values()
    assert sum(stats.ignored for stats in stats_by_slice) == 1
    assert warehouse.query("SELECT id, _customer_id FROM chargebee.contact") == [("c_a", "a")]


@pytest.mark.parametrize("name", ["customer", "contact", "attached_item", "quote_line_group"])
def test_a_wrong_site_name_fails_with_chargebees_message(api, load, name):
    family: Sequence[Any] = CHARGEBEE.families[CHARGEBEE.graph[name].family]
    for resource in family:
        api.set(str(resource), [row("a")])
    api.answer(CHARGEBEE.graph[name].endpoint["path"].rpartition("/")[2], 404, SITE_NOT_FOUND)
    with pytest.raises(ApiError, match=f"chargebee/{name}.*answered 404.*site_not_found.*check base_url"):
        load(*(str(resource) for resource in family))


def test_scheduled_changes_are_requested_if_there_are_any_and_deleted_when_there_are_none(api, load, warehouse, caplog):
    family = ("chargebee/subscription", "chargebee/subscription_with_scheduled_changes")
    changing = row("a", customer_id="c", has_scheduled_changes=True)
    api.set(family[0], [changing, row("b", has_scheduled_changes=False)])
    api.set(family[1], [{**changing, "plan_quantity": 3}])
    load(*family)
    found = "SELECT id, plan_quantity FROM chargebee.subscription_with_scheduled_changes"
    assert warehouse.query(found) == [("a", 3)]
    assert [path for path, _ in api.requests if path.endswith("changes")] == [
        "/chargebee/api/v2/subscriptions/a/retrieve_with_scheduled_changes"
    ]
    api.set(family[1], [])
    stats_by_slice = load(*family)[family[1]].values()
    assert warehouse.query(found) == []
    assert [stats.ignored for stats in stats_by_slice] == [0, 0, 0, 0]


def test_scheduled_changes_are_deleted_when_the_subscription_says_that_it_has_none(api, load, warehouse):
    family = ("chargebee/subscription", "chargebee/subscription_with_scheduled_changes")
    for changing in (True, False):
        subscription = row("a", customer_id="c", has_scheduled_changes=changing)
        api.set(family[0], [subscription])
        api.set(family[1], [subscription] if changing else [])
        load(*family)
    assert warehouse.ids("chargebee.subscription_with_scheduled_changes") == []
