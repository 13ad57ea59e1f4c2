"""Shopify: links with nothing but the place in them, states that are hidden, lists in rows, and stock by location."""

from typing import Any

import httpx
import pytest

from connectors_dagster.errors import ApiError, EnvelopeError
from connectors_dagster.sandbox import CREDENTIALS, base_url

SECOND, THIRD = "2024-01-31", "2024-03-01"
WINDOW = {"updated_at_min": "2024-01-31T00:00:00Z", "updated_at_max": "2024-03-01T00:00:00Z"}
HEADERS = {"X-Shopify-Access-Token": CREDENTIALS["shopify"]["access_token"]}


def order(id: int, at: str = "2024-02-05T10:00:00+02:00", **fields: Any) -> dict[str, Any]:
    lists = {"line_items": [], "refunds": [], "fulfillments": []}
    return {"id": id, "updated_at": at, "closed_at": None, "cancelled_at": None, **lists, **fields}


def test_further_pages_are_requested_with_their_place_and_size_only(api, load, warehouse):
    api.set("shopify/orders", [order(n) for n in range(501)])
    [stats] = load("shopify/orders", windows=[SECOND])["shopify/orders"].values()
    first, *further = api.asked("/orders.json")
    assert first == {"limit": "250", "status": "any", **WINDOW}
    assert [set(asked) for asked in further] == [{"limit", "page_info"}] * 2
    assert (stats.rows, stats.pages) == (501, 3)
    assert len(warehouse.ids("shopify.orders")) == 501


def test_an_order_on_the_edge_of_windows_is_in_the_later_one_whatever_its_offset(api, load, warehouse):
    edges = [
        order(1, "2024-01-30T18:59:59-05:00"),
        order(2, "2024-01-31T02:00:00+02:00"),
        order(3, f"{THIRD}T00:00:00Z"),
    ]
    api.set("shopify/orders", edges)
    load("shopify/orders", windows=[SECOND])
    assert warehouse.ids("shopify.orders") == [2]


def test_orders_in_all_states_are_loaded(api, load, warehouse):
    ended = "2024-02-05T10:00:00Z"
    api.set("shopify/orders", [order(1), order(2, closed_at=ended), order(3, cancelled_at=ended)])
    load("shopify/orders", windows=[SECOND])
    assert warehouse.ids("shopify.orders") == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "path"), [("draft_orders", "/draft_orders.json"), ("abandoned_checkouts", "/checkouts.json")]
)
def test_drafts_and_checkouts_are_requested_once_per_state(api, load, warehouse, name, path):
    states = ["open", "invoice_sent", "completed"] if name == "draft_orders" else ["open", "closed"]
    rows = [
        order(n, status=state, closed_at=None if state == "open" else "2024-02-05T00:00:00Z")
        for n, state in enumerate(states)
    ]
    kept = (
        ("id", "updated_at", "status", "closed_at") if name == "abandoned_checkouts" else ("id", "updated_at", "status")
    )
    api.set(f"shopify/{name}", [{field: row[field] for field in kept} for row in rows])
    load(f"shopify/{name}", windows=[SECOND])
    assert sorted(asked["status"] for asked in api.asked(path)) == sorted(states)
    assert warehouse.ids(f"shopify.{name}") == list(range(len(states)))


def test_lists_in_an_order_become_tables_without_a_request(api, load, warehouse):
    lines = [{"id": 11, "price": "19.90", "quantity": 2}, {"id": 12, "price": "0.10", "quantity": 1}]
    api.set("shopify/orders", [order(1, line_items=lines, refunds=[{"id": 21, "order_id": 1}])])
    load("shopify/orders", "shopify/order_line_items", "shopify/refunds", "shopify/fulfillments", windows=[SECOND])
    assert warehouse.query("SELECT sum(price * quantity)::TEXT FROM shopify.order_line_items")[0][0].startswith("39.9")
    assert warehouse.query("SELECT id, _orders_id FROM shopify.refunds") == [(21, 1)]
    assert len(api.requests) == 1


def test_transactions_of_an_order_that_was_deleted_meanwhile_are_counted(api, load, warehouse):
    api.set("shopify/orders", [order(1), order(2)])
    api.set("shopify/transactions", [{"id": 7, "order_id": 1, "amount": "12.34"}])
    api.answer("/orders/2/transactions.json", 404, {"errors": "Not Found"})
    stats = load("shopify/orders", "shopify/transactions", windows=[SECOND])["shopify/transactions"].values()
    assert sum(one.ignored for one in stats) == 1
    assert warehouse.query("SELECT id, amount::DECIMAL(9, 2)::TEXT FROM shopify.transactions") == [(7, "12.34")]


def test_stock_is_requested_for_each_location(api, load, warehouse):
    api.set("shopify/locations", [{"id": 1}, {"id": 2}])
    levels = [{"inventory_item_id": n, "location_id": place, "available": n} for place in (1, 2) for n in range(251)]
    api.set("shopify/inventory_levels", levels)
    load("shopify/locations", "shopify/inventory_levels")
    asked = [one.get("location_ids") for one in api.asked("/inventory_levels.json")]
    assert (sorted(filter(None, asked)), len(asked)) == (["1", "2"], 4)
    assert warehouse.query("SELECT count(*) FROM shopify.inventory_levels") == [(502,)]


def test_a_full_page_is_the_last_if_links_arrive_and_refused_if_something_removes_them(api, load, warehouse):
    api.set("shopify/orders", [order(n) for n in range(250)])
    load("shopify/orders", windows=[SECOND])
    assert [asked["limit"] for asked in api.asked("/orders.json")] == ["250", "125"]
    assert len(warehouse.ids("shopify.orders")) == 250
    api.answer("/orders.json", body={"orders": [order(n) for n in range(250)]}, times=1)
    api.answer("/orders.json", body={"orders": [order(n) for n in range(125)]}, times=1)
    with pytest.raises(EnvelopeError, match="no Link header, and half of it has none either: look for a proxy"):
        load("shopify/orders", windows=[SECOND])


@pytest.mark.parametrize("bucket", [None, "", "x/y", "40/"])
def test_a_bucket_that_is_not_shown_is_not_waited_for(api, load, warehouse, waits, bucket):
    headers = {} if bucket is None else {"X-Shopify-Shop-Api-Call-Limit": bucket}
    link = {"Link": f'<{base_url(api.port, "shopify")}/orders.json?page_info=2>; rel="next"'}
    api.answer("/orders.json", body={"orders": [order(1)]}, times=1, headers=headers | link)
    api.answer("/orders.json", body={"orders": [order(2)]}, times=1, headers=headers)
    load("shopify/orders", windows=[SECOND])
    assert (warehouse.ids("shopify.orders"), waits) == ([1, 2], [])


def test_a_missing_scope_names_it(api, read):
    api.answer(
        "/customers.json", 403, {"errors": "[API] This action requires merchant approval for read_customers scope."}
    )
    with pytest.raises(ApiError, match=r"shopify/customers .*answered 403.*read_customers scope"):
        read("shopify/customers")


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("orders", {"page_info": "x", "status": "any"}, 400),
        ("orders", {"page_info": "x"}, 400),
        ("inventory_levels", {}, 422),
    ],
)
def test_the_sandbox_refuses_what_shopify_refuses(api, path, params, status):
    api.set(f"shopify/{path}", [order(1, location_id=1)])
    url = f"{base_url(api.port, 'shopify')}/{path}.json"
    assert httpx.get(url, params=params, headers=HEADERS).status_code == status
    assert httpx.get(url, params=params).status_code == 401
