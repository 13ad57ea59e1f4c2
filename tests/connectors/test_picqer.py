"""Picqer is read as documented, including rows that other connectors miss."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse

from connectors_dagster.errors import ApiError
from connectors_dagster.sandbox import CREDENTIALS, base_url

FIRST = "2024-01-01"


def products(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"idproduct": number, **fields} for number in range(1, count + 1)]


# Pages


@pytest.mark.parametrize(
    ("count", "offsets"),
    [(0, ["0", "100"]), (30, ["0", "29"]), (100, ["0", "99", "199"]), (250, ["0", "99", "198", "249"])],
)
def test_products_are_read_from_the_first_row_to_a_short_page_that_is_confirmed(api, load, warehouse, count, offsets):
    api.set("picqer/products", products(count))
    load("picqer/products")
    assert warehouse.column("picqer.products", "idproduct") == list(range(1, count + 1))
    asked = api.asked("/products")
    assert [query for query in asked if "inactive" not in query] == [{"offset": offset} for offset in offsets]
    inactive = [query["offset"] for query in asked if query.get("inactive") == "true"]
    assert inactive == ["0", "100"]  # an empty page is confirmed by the next one


def test_no_row_is_missed_when_others_vanish_between_two_pages(api, load, warehouse):
    rows = products(350)
    api.set("picqer/products", rows)

    def fault(request: Any) -> None:
        if request.query_params.get("offset") == "198" and len(rows) == 350 and "inactive" not in request.query_params:
            del rows[20:50]

    api.faults.append(fault)
    load("picqer/products")
    assert {row["idproduct"] for row in rows} <= set(warehouse.column("picqer.products", "idproduct"))


# User-Agent and errors


def test_a_user_agent_without_a_contact_is_refused_and_the_connector_sends_one(api, read):
    auth = (CREDENTIALS["picqer"]["api_key"], "")
    address = base_url(api.port, "picqer") + "tags"
    assert httpx.get(address, auth=auth, headers={"User-Agent": "python-requests/2.32"}).status_code == 400
    agents: list[str] = []
    api.faults.append(lambda request: agents.append(request.headers["user-agent"]))
    read("picqer/tags")
    assert set(agents) == {"Sandbox (sandbox@example.com)"}


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_permanent_error_fails_without_a_retry_and_with_picqers_message(api, read, waits, status):
    api.faults.append(lambda _: JSONResponse({"error": True, "error_code": 2, "error_message": "No access"}, status))
    with pytest.raises(ApiError, match=f"picqer/users.*answered {status}.*No access"):
        read("picqer/users")
    assert waits == []


def test_the_waits_after_a_rate_limit_are_longer_than_its_minute(api, read, waits):
    api.answer("/users", 429, {"error": True, "error_code": 28, "error_message": "Rate limit exceeded"}, times=5)
    read("picqer/users")
    assert sum(waits) > 60


# Windows


@pytest.mark.parametrize(
    ("resource", "key", "cursor"),
    [
        ("purchaseorders", "idpurchaseorder", "updated"),
        ("receipts", "idreceipt", "updated"),
        ("returns", "idreturn", "updated_at"),
    ],
)
def test_changes_are_requested_from_the_start_of_the_window(api, load, warehouse, resource, key, cursor):
    times = ["2023-12-31 23:59:59", "2024-01-01 00:00:00", "2024-01-30 23:59:59", "2024-01-31 00:00:00"]
    api.set(f"picqer/{resource}", [{key: number, cursor: at} for number, at in enumerate(times)])
    load(f"picqer/{resource}", windows=[FIRST])
    assert warehouse.column(f"picqer.{resource}", key) == [1, 2]
    # One second earlier, because the documentation does not say whether the bound is inclusive.
    assert api.asked(f"/{resource}") == [
        {"offset": offset, "updated_after": "2023-12-31 23:59:59"} for offset in ("0", "2")
    ]


def test_orders_are_filtered_here_because_the_api_filters_by_creation_only(api, load, warehouse):
    api.set("picqer/orders", [{"idorder": 1, "created": "2020-01-01 00:00:00", "updated": "2024-01-05 00:00:00"}])
    load("picqer/orders", windows=[FIRST])
    assert warehouse.column("picqer.orders", "idorder") == [1]
    assert api.asked("/orders") == [{"offset": "0"}, {"offset": "1"}]


def test_changes_of_stock_are_requested_for_each_window(api, load, warehouse):
    times = ["2023-12-31 23:59:59", "2024-01-01 00:00:00", "2024-01-30 23:59:59", "2024-01-31 00:00:00"]
    changes = [{"idproduct_stock_history": number, "changed_at": at} for number, at in enumerate(times)]
    api.set("picqer/stock_history", changes)
    load("picqer/stock_history", windows=[FIRST])
    assert warehouse.column("picqer.stock_history", "idproduct_stock_history") == [1, 2]
    assert api.asked("/stockhistory")[0] == {
        "offset": "0",
        "sincedate": "2023-12-31 23:59:59",
        "untildate": "2024-01-31 00:00:00",
    }


def test_picklists_of_every_status_are_in_one_table_and_one_that_was_closed_changes_there(api, load, warehouse):
    def picklists(status: str, updated: str) -> list[dict[str, Any]]:
        return [
            {"idpicklist": 1, "status": status, "updated": updated},
            {"idpicklist": 2, "status": "snoozed", "updated": "2024-01-05 00:00:00"},
        ]

    for status, updated in (("new", "2024-01-05 00:00:00"), ("closed", "2024-01-06 00:00:00")):
        api.set("picqer/picklists", picklists(status, updated))
        load("picqer/picklists", windows=[FIRST])
        found = warehouse.query("SELECT idpicklist, status FROM picqer.picklists ORDER BY 1")
        assert found == [(1, status), (2, "snoozed")]
    assert {query["status"] for query in api.asked("/picklists")} == {"new", "paused", "snoozed", "closed", "cancelled"}


# Whole lists


def test_inactive_products_are_in_the_table_and_one_that_becomes_inactive_is_not_absent(api, load, warehouse):
    for active in (True, False):
        api.set("picqer/products", [{"idproduct": 1, "active": active}, {"idproduct": 2, "active": True}])
        load("picqer/products")
        found = warehouse.query("SELECT idproduct, active, absent_since FROM picqer.products ORDER BY 1")
        assert found == [(1, active, None), (2, True, None)]
    api.set("picqer/products", [{"idproduct": 2, "active": True}])
    load("picqer/products")
    assert warehouse.query("SELECT idproduct FROM picqer.products WHERE absent_since IS NULL") == [(2,)]


def test_an_api_without_a_list_of_inactive_products_returns_the_others_twice_and_they_are_loaded_once(
    api, load, warehouse
):
    rows = [{"idproduct": 1, "active": True}]
    api.faults.append(lambda request: JSONResponse(rows[int(request.query_params["offset"]) :]))
    load("picqer/products")
    assert warehouse.query("SELECT idproduct, absent_since FROM picqer.products") == [(1, None)]


def test_only_the_parts_of_compositions_are_requested(api, load, warehouse):
    kinds = ("normal", "virtual_composition", "composition_with_stock", "unlimited_stock", None)
    api.set("picqer/products", [{"idproduct": number, "type": kind} for number, kind in enumerate(kinds)])
    api.set("picqer/product_parts", [{"parent": 1, "idproduct_part": 9, "idproduct": 0, "amount": 3}])
    load("picqer/products", "picqer/product_parts")
    found = warehouse.query("SELECT _products_idproduct, idproduct_part, amount FROM picqer.product_parts")
    assert found == [(1, 9, 3)]
    asked = {path.split("/")[-2] for path, _ in api.requests if path.endswith("/parts")}
    assert asked == {"1", "2"}


def test_stock_is_keyed_by_product_and_warehouse(api, load, warehouse):
    api.set("picqer/warehouses", [{"idwarehouse": 18}, {"idwarehouse": 19}])
    shelves = [{"parent": house, "idproduct": 7, "stock": {"stock": house}} for house in (18, 19)]
    api.set("picqer/products_stock", shelves)
    for _ in range(2):
        load("picqer/warehouses", "picqer/products_stock")
    found = warehouse.query(
        "SELECT _warehouses_idwarehouse, idproduct, (stock->>'stock')::INT FROM picqer.products_stock ORDER BY ALL"
    )
    assert found == [(18, 7, 18), (19, 7, 19)]
    api.set("picqer/products_stock", shelves[:1])
    load("picqer/products_stock")
    assert warehouse.column("picqer.products_stock", "_warehouses_idwarehouse") == [18]


def test_containers_and_locations_have_separate_tables(api, load, warehouse):
    api.set("picqer/locations", [{"idlocation": 1, "type": "location"}])
    api.set("picqer/containers", [{"idlocation": 2, "type": "container"}])
    load("picqer/locations")
    load("picqer/containers")
    assert warehouse.column("picqer.locations", "idlocation") == [1]
    assert warehouse.column("picqer.containers", "idlocation") == [2]


@pytest.mark.parametrize(("resource", "key"), [("backorders", "idbackorder"), ("products", "idproduct")])
def test_rows_that_the_list_no_longer_has_are_marked(api, load, warehouse, resource, key):
    api.set(f"picqer/{resource}", [{key: 1}, {key: 2}])
    load(f"picqer/{resource}")
    api.set(f"picqer/{resource}", [{key: 2}])
    load(f"picqer/{resource}")
    assert warehouse.query(f"SELECT {key} FROM picqer.{resource} WHERE absent_since IS NULL") == [(2,)]


def test_money_and_percentages_keep_every_digit(api, load, warehouse):
    api.set("picqer/products", [{"idproduct": 1, "price": 54.46, "fixedstockprice": 0.1}])
    load("picqer/products")
    assert warehouse.query("SELECT price, fixedstockprice FROM picqer.products") == [(Decimal("54.46"), Decimal("0.1"))]
