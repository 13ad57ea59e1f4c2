"""WooCommerce is read as documented, including rows that other connectors miss."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from connectors_dagster.errors import ApiError, TransientApiError
from connectors_dagster.http import rereading
from connectors_dagster.sandbox import CREDENTIALS, base_url
from connectors_dagster.sandbox.dialects import woocommerce
from connectors_dagster.sandbox.rows.woocommerce_settings import build_settings
from tests.support.api import Api

FIRST, SECOND = "2024-01-01", "2024-01-31"
BY_ID = {"per_page": "100", "order": "asc", "orderby": "id"}


def row(id: int, at: str = "2024-01-05T00:00:00", **fields: Any) -> dict[str, Any]:
    return {"id": id, "date_modified_gmt": at, **fields}


def rows(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [row(number, **fields) for number in range(1, count + 1)]


NO_ROUTE = {"code": "rest_no_route", "message": "No route was found matching the URL and request method."}


@pytest.fixture
def old_shop(api):
    """Serve a shop that has no lists of all refunds and all variations."""
    for path in ("/v3/refunds", "/v3/variations"):
        api.answer(path, 404, NO_ROUTE)


# Pages


def test_pages_follow_the_link_header(api, load, warehouse):
    api.set("woocommerce/product_tags", rows(250))
    load("woocommerce/product_tags")
    assert warehouse.ids("woocommerce.product_tags") == list(range(1, 251))
    assert api.asked("/products/tags") == [BY_ID, {**BY_ID, "page": "2"}, {**BY_ID, "page": "3"}]


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("product_attributes", "/products/attributes"),
        ("shipping_methods", "/shipping_methods"),
        ("shipping_zones", "/shipping/zones"),
        ("system_status_tools", "/system_status/tools"),
        ("tax_classes", "/taxes/classes"),
    ],
)
def test_a_list_without_pages_is_requested_once_and_without_parameters(api, load, resource, path):
    api.set(f"woocommerce/{resource}", [{"id": number, "slug": f"s{number}"} for number in range(150)])
    [stats] = load(f"woocommerce/{resource}")[f"woocommerce/{resource}"].values()
    assert (stats.rows, api.asked(path)) == (150, [{}])


def change_before_page(api: Api, page: int, change: Callable[[], None]) -> None:
    def fault(request: Any) -> Response | None:
        if request.query_params.get("page") == str(page) and not done:
            done.append(page)
            change()
        return None

    done: list[int] = []
    api.faults.append(fault)


@pytest.mark.parametrize("vanish", [slice(0, 1), slice(99, 100), slice(0, 100), slice(50, 190), slice(260, 270)])
def test_no_row_is_missed_when_others_vanish_between_two_pages(api, load, warehouse, vanish):
    there = rows(350)
    stay = list(there)
    del stay[vanish]
    api.set("woocommerce/product_tags", there)
    change_before_page(api, 3, lambda: api.set("woocommerce/product_tags", stay))
    load("woocommerce/product_tags")
    assert {tag["id"] for tag in stay} <= set(warehouse.ids("woocommerce.product_tags"))


def test_no_row_that_was_there_all_the_time_is_missed_while_others_vanish(api, read):
    for seed in range(30):
        draw, tags = random.Random(seed), rows(random.Random(seed).randrange(900))
        api.set("woocommerce/product_tags", tags)
        api.faults[:] = [lambda _, draw=draw, tags=tags: vanish_some(draw, tags)]
        found = {tag["id"] for tag in read("woocommerce/product_tags")[0]}
        assert {tag["id"] for tag in tags} <= found, f"seed {seed}"


def vanish_some(draw: random.Random, tags: list[dict[str, Any]]) -> None:
    for _ in range(draw.choice((0, 0, 0, 1, 5, 150))):
        if tags:
            del tags[draw.randrange(len(tags))]


def test_an_order_that_leaves_its_window_while_it_is_read_hides_no_other_order(api, load, warehouse):
    orders = rows(250)
    api.set("woocommerce/orders", orders)
    change_before_page(api, 2, lambda: orders[0].update(date_modified_gmt="2024-04-09T00:00:00"))
    [stats] = load("woocommerce/orders", windows=[FIRST])["woocommerce/orders"].values()
    assert warehouse.ids("woocommerce.orders") == list(range(1, 251))
    assert stats.duplicates == 199  # the first two pages were read again, except for the row that moved up


def test_rows_that_vanish_faster_than_they_are_read_fail(api, read, monkeypatch):
    monkeypatch.setattr(rereading, "MAX_STEPS_BACK", 3)
    tags = rows(500)
    api.set("woocommerce/product_tags", tags)
    api.faults.append(lambda _: tags.pop(0) and None)
    with pytest.raises(TransientApiError, match="rows are being deleted or moved faster than they can be read"):
        read("woocommerce/product_tags")


# Windows


@pytest.mark.parametrize("resource", ["orders", "products", "coupons"])
def test_a_window_is_requested_in_gmt_with_both_bounds(api, load, warehouse, resource):
    start, end = datetime(2024, 1, 1), datetime(2024, 1, 31)
    times = [start - timedelta(seconds=1), start, end - timedelta(seconds=1), end]
    api.set(f"woocommerce/{resource}", [row(n, at.isoformat()) for n, at in enumerate(times)])
    load(f"woocommerce/{resource}", windows=[FIRST])
    bounds = {"modified_after": "2023-12-31T23:59:59", "modified_before": "2024-01-31T00:00:00"}
    assert api.asked(f"/{resource}") == [{**BY_ID, "dates_are_gmt": "true", **bounds}]
    assert warehouse.ids(f"woocommerce.{resource}") == [1, 2]
    load(f"woocommerce/{resource}", windows=[SECOND])
    assert warehouse.ids(f"woocommerce.{resource}") == [1, 2, 3]


def test_customers_of_all_roles_and_reviews_of_all_states_are_loaded(api, load, warehouse):
    api.set("woocommerce/customers", [row(1, role="customer"), row(2, role="subscriber")])
    api.set("woocommerce/product_reviews", [row(1, status="approved"), row(2, status="hold")])
    load("woocommerce/customers")
    load("woocommerce/product_reviews")
    assert warehouse.column("woocommerce.customers", "role") == ["customer", "subscriber"]
    assert warehouse.column("woocommerce.product_reviews", "status") == ["approved", "hold"]
    assert (api.asked("/customers"), api.asked("/reviews")) == (
        [{**BY_ID, "role": "all"}],
        [{**BY_ID, "status": "all"}],
    )


def test_a_review_that_becomes_spam_is_marked(api, load, warehouse):
    api.set("woocommerce/product_reviews", [row(1, status="hold"), row(2, status="hold")])
    load("woocommerce/product_reviews")
    api.set("woocommerce/product_reviews", [row(1, status="hold")])
    load("woocommerce/product_reviews")
    assert warehouse.query("SELECT id, absent_since IS NULL FROM woocommerce.product_reviews ORDER BY id") == [
        (1, True),
        (2, False),
    ]


# Children


def test_children_have_the_id_of_their_parent(api, load, warehouse):
    api.set("woocommerce/orders", [row(1, refunds=[{"id": 10}]), row(2, refunds=[])])
    api.set("woocommerce/refunds", [{"parent": 1, "id": 10, "amount": "5.00"}])
    notes = [{"parent": n, "id": n * 100, "note": "…", "customer_note": n == 1} for n in (1, 2)]
    api.set("woocommerce/order_notes", notes)
    load("woocommerce/orders", "woocommerce/order_notes", "woocommerce/refunds", windows=[FIRST])
    assert warehouse.query("SELECT _orders_id, id, customer_note FROM woocommerce.order_notes ORDER BY id") == [
        (1, 100, True),
        (2, 200, False),
    ]
    assert warehouse.query("SELECT _orders_id, id, amount FROM woocommerce.refunds") == [(1, 10, "5.00")]


def test_no_refunds_are_requested_for_orders_without_any(old_shop, api, load):
    api.set("woocommerce/orders", [row(1, refunds=[{"id": 10}]), row(2, refunds=[]), row(3)])
    load("woocommerce/refunds", windows=[FIRST])
    asked = {path for path, _ in api.requests if path.endswith("/refunds") and "/orders/" in path}
    assert {path.split("/")[-2] for path in asked} == {"1", "3"}  # order 3 has no `refunds` field


def test_a_refund_that_its_order_no_longer_has_is_deleted_from_the_table(api, load, warehouse):
    api.set("woocommerce/orders", [row(1, refunds=[{"id": 10}])])
    api.set("woocommerce/refunds", [{"parent": 1, "id": 10}])
    load("woocommerce/refunds", windows=[FIRST])
    api.set("woocommerce/orders", [row(1, refunds=[])])
    load("woocommerce/refunds", windows=[FIRST])
    assert warehouse.ids("woocommerce.refunds") == []


@pytest.mark.parametrize("newer", [False, True])
def test_the_tables_are_the_same_whether_the_shop_has_lists_of_all_or_not(request, api, load, warehouse, caplog, newer):
    if not newer:
        request.getfixturevalue("old_shop")
    orders = [row(number, refunds=[{"id": number * 10 + n} for n in range(number % 3)]) for number in range(1, 8)]
    refunds = [{"parent": o["id"], "amount": "5.00", **refund} for o in orders for refund in o["refunds"]]
    api.set("woocommerce/orders", orders)
    api.set("woocommerce/refunds", refunds)
    api.set("woocommerce/products", [row(1, variations=[10]), row(2, variations=[]), row(3, variations=[30, 31])])
    variations = [
        {"parent": parent, "id": id, "name": f"no. {id}"} for parent, id in ((1, 10), (3, 30), (3, 31), (9, 90))
    ]
    api.set("woocommerce/product_variations", variations)
    with caplog.at_level("INFO"):
        load("woocommerce/orders", "woocommerce/refunds", windows=[FIRST])
        load("woocommerce/product_variations")
    assert warehouse.query("SELECT _orders_id, id, amount FROM woocommerce.refunds ORDER BY id") == sorted(
        (refund["parent"], refund["id"], "5.00") for refund in refunds
    )
    found = warehouse.query("SELECT _products_id, id, name FROM woocommerce.product_variations ORDER BY id")
    assert found == [(1, 10, "no. 10"), (3, 30, "no. 30"), (3, 31, "no. 31")]
    told = {record.getMessage() for record in caplog.records if " of woocommerce/" in record.getMessage()}
    how = "read from {0}" if newer else "one request per row, because the API has no {0}"
    assert told == {
        f"woocommerce/refunds of woocommerce/orders: {how.format('/refunds')}",
        f"woocommerce/product_variations of woocommerce/products: {how.format('/variations')}",
    }
    per_parent = [path for path, _ in api.requests if "/orders/" in path or "/products/" in path]
    assert len(per_parent) == (0 if newer else 5 + 2)
    assert [query["per_page"] for path, query in api.requests if path.endswith(("/v3/refunds", "/v3/variations"))][
        :1
    ] == ["1"]


def test_refunds_are_requested_a_hundred_at_a_time_and_read_with_their_windows(api, load, warehouse):
    orders = [row(number, refunds=[{"id": number}]) for number in range(1, 251)]
    api.set("woocommerce/orders", orders)
    api.set("woocommerce/refunds", [{"parent": number, "id": number} for number in range(1, 260)])
    [stats] = load("woocommerce/refunds", windows=[FIRST])["woocommerce/refunds"].values()
    asked = [query["include"].split(",") for path, query in api.requests if "include" in query]
    assert sorted(map(len, asked)) == [50, 100, 100]
    assert (stats.rows, stats.requests, warehouse.ids("woocommerce.refunds")) == (250, 4, list(range(1, 251)))


@pytest.mark.parametrize("newer", [False, True])
def test_a_variation_that_its_product_no_longer_has_is_deleted_either_way(request, api, load, warehouse, newer):
    if not newer:
        request.getfixturevalue("old_shop")
    api.set("woocommerce/products", [row(1, variations=[10, 11])])
    for left in ([10, 11], [11]):
        api.set("woocommerce/product_variations", [{"parent": 1, "id": id} for id in left])
        load("woocommerce/product_variations")
        assert warehouse.ids("woocommerce.product_variations") == left


def test_parents_whose_rows_are_not_all_in_the_list_are_requested_one_by_one(api, load, warehouse, monkeypatch):
    def fifty(rows: list[Any], ids: str | None) -> list[Any]:
        return included(rows, ids and ",".join(ids.split(",")[:50]))

    included = woocommerce._included
    monkeypatch.setattr(woocommerce, "_included", fifty)
    api.set("woocommerce/orders", [row(number, refunds=[{"id": number}]) for number in range(1, 61)])
    api.set("woocommerce/refunds", [{"parent": number, "id": number} for number in range(1, 61)])
    for _ in range(2):
        load("woocommerce/refunds", windows=[FIRST])
        assert warehouse.ids("woocommerce.refunds") == list(range(1, 61))


def test_a_trial_reads_one_page_of_the_list_of_all_variations(api, run_assets, monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "woocommerce")
    api.set("woocommerce/products", [row(1, variations=list(range(10, 310)))])
    api.set("woocommerce/product_variations", [{"parent": 1, "id": id} for id in range(10, 310)])
    assert run_assets("woocommerce/product_variations", page_limit=1).success
    assert [query["per_page"] for query in api.asked("/v3/variations")] == ["1", "100"]


def test_a_shop_that_ignores_the_ids_fails(api, load):
    api.set("woocommerce/orders", [row(1, refunds=[{"id": 10}])])
    api.faults.append(
        lambda request: JSONResponse([{"id": 20, "parent_id": 2}]) if "include" in request.query_params else None
    )
    with pytest.raises(
        ApiError, match=r"woocommerce/refunds: /refunds returned a row with 2 as parent_id, which was not"
    ):
        load("woocommerce/refunds", windows=[FIRST])


def test_an_error_is_not_taken_for_an_old_shop(api, load):
    api.set("woocommerce/orders", [row(1, refunds=[{"id": 10}])])
    api.answer("/v3/refunds", 404, {"code": "woocommerce_rest_invalid", "message": "broken"})
    with pytest.raises(ApiError, match=r"woocommerce/refunds probe.*answered 404"):
        load("woocommerce/refunds", windows=[FIRST])


@pytest.mark.parametrize(
    ("resource", "path"), [("product_brands", "/products/brands"), ("subscriptions", "/subscriptions")]
)
def test_a_shop_without_brands_or_subscriptions_is_not_an_error(api, load, warehouse, resource, path):
    api.answer(path, 404, NO_ROUTE)
    [stats] = load(f"woocommerce/{resource}")[f"woocommerce/{resource}"].values()
    assert (stats.rows, "rest_no_route" in stats.not_available) == (0, True)
    assert warehouse.query(f"SELECT count(*) FROM woocommerce.{resource}") == [(0,)]


def test_a_subscription_has_no_dates_where_the_shop_writes_empty_text(api, load, warehouse):
    dates = {"start_date_gmt": "2024-01-05T00:00:00", "end_date_gmt": ""}
    api.set("woocommerce/subscriptions", [row(1, billing_period="month", billing_interval="2", **dates)])
    [stats] = load("woocommerce/subscriptions")["woocommerce/subscriptions"].values()
    found = warehouse.query(
        "SELECT start_date_gmt::TEXT, end_date_gmt, billing_interval FROM woocommerce.subscriptions"
    )
    assert (found, stats.drift) == ([("2024-01-05 00:00:00+00", None, "2")], {})


def test_variations_are_read_for_all_products_no_matter_when_they_changed(api, load, warehouse):
    api.set("woocommerce/products", [row(1, variations=[10]), row(2, "2022-01-01T00:00:00", variations=[20]), row(3)])
    api.set("woocommerce/product_variations", [{"parent": n, "id": n * 10, "manage_stock": "parent"} for n in (1, 2)])
    load("woocommerce/product_variations")
    assert warehouse.query("SELECT _products_id, id FROM woocommerce.product_variations ORDER BY id") == [
        (1, 10),
        (2, 20),
    ]
    assert api.asked("/products") == [{**BY_ID, "dates_are_gmt": "true"}]
    assert "woocommerce.products" not in warehouse.tables()
    api.set("woocommerce/product_variations", [{"parent": 2, "id": 20, "manage_stock": True}])
    load("woocommerce/product_variations")
    assert warehouse.query("SELECT id, manage_stock::TEXT FROM woocommerce.product_variations") == [(20, "true")]


def test_a_location_may_be_in_several_zones(api, load, warehouse):
    api.tables["woocommerce"] = build_settings()
    load("woocommerce/shipping_zones", "woocommerce/shipping_zone_locations", "woocommerce/shipping_zone_methods")
    assert warehouse.query("SELECT _shipping_zones_id, code FROM woocommerce.shipping_zone_locations ORDER BY ALL") == [
        (1, "NL"),
        (2, "BE"),
        (2, "LU"),
        (2, "NL"),
    ]
    assert warehouse.query(
        "SELECT instance_id, _shipping_zones_id FROM woocommerce.shipping_zone_methods ORDER BY ALL"
    ) == [
        (1, 1),
        (2, 1),
        (3, 2),
    ]


# Values


def test_secret_settings_of_gateways_are_not_requested(api, load, warehouse):
    api.tables["woocommerce"] = build_settings()
    load("woocommerce/payment_gateways")
    assert warehouse.query('SELECT id, "order"::TEXT, enabled FROM woocommerce.payment_gateways ORDER BY id') == [
        ("bacs", "0", True),
        ("cheque", '""', False),
    ]
    assert b"never to be loaded" not in warehouse.path.read_bytes()


def test_booleans_stay_booleans_and_money_keeps_every_digit(api, load, warehouse):
    product = row(1, featured=True, price="19.990", manage_stock=False)
    api.set("woocommerce/products", [product])
    [stats] = load("woocommerce/products", windows=[FIRST])["woocommerce/products"].values()
    assert warehouse.query("SELECT featured, price, manage_stock FROM woocommerce.products") == [
        (True, "19.990", False)
    ]
    assert stats.drift == {}


# Errors


def test_a_firewall_that_refuses_http_libraries_lets_the_connector_through(api, read):
    keys = tuple(CREDENTIALS["woocommerce"].values())
    url = f"{base_url(api.port, 'woocommerce')}/orders"
    assert httpx.get(url, auth=keys, headers={"User-Agent": "python-requests/2.32"}).status_code == 403
    read("woocommerce/customers")


def test_a_deleted_parent_has_no_children_and_is_counted(api, load):
    api.set("woocommerce/orders", rows(2))
    missing = {"code": "woocommerce_rest_order_invalid_id", "message": "Invalid ID.", "data": {"status": 404}}
    api.answer("/orders/1/notes", 404, missing)
    [stats] = load("woocommerce/order_notes", windows=[FIRST])["woocommerce/order_notes"].values()
    assert (stats.rows, stats.ignored) == (0, 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_permanent_error_fails_without_a_retry_and_with_the_message_of_the_shop(api, read, waits, status):
    api.faults.append(lambda _: JSONResponse({"code": "woocommerce_rest_cannot_view"}, status))
    with pytest.raises(ApiError, match=f"woocommerce/customers.*answered {status}.*woocommerce_rest_cannot_view"):
        read("woocommerce/customers")
    assert (len(api.requests), waits) == (1, [])


@pytest.mark.parametrize(
    ("resource", "path", "field", "usual", "more"),
    [
        ("customers", "customers", "role", "customer", "administrator"),
        ("product_reviews", "products/reviews", "status", "approved", "hold"),
    ],
)
def test_a_shop_leaves_rows_out_unless_all_are_requested(api, resource, path, field, usual, more):
    api.set(f"woocommerce/{resource}", [row(1, **{field: usual}), row(2, **{field: more})])
    url, keys = f"{base_url(api.port, 'woocommerce')}/{path}", tuple(CREDENTIALS["woocommerce"].values())
    assert [found["id"] for found in httpx.get(url, auth=keys).json()] == [1]


# Through Dagster


def test_a_shop_without_subscriptions_is_said_in_the_summary_and_the_run_is_green(api, materialize, monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "woocommerce")
    api.answer("/v3/subscriptions", 404, NO_ROUTE)
    summary = materialize("woocommerce/subscriptions")
    assert summary.errors == []
    [remark] = summary.remarks
    assert remark == (
        "woocommerce/subscriptions: the API says that this account does not have it, so the table stays as it is; "
        "SOURCES__WOOCOMMERCE__RESOURCES=-subscriptions leaves it out"
    )


def test_a_refused_request_has_advice_and_says_how_to_go_on_without_it(api, read):
    api.answer("/products/tags", 400, {"code": "rest_invalid_param", "message": "Invalid parameter(s): orderby"})
    with pytest.raises(
        ApiError, match=r"Invalid parameter\(s\): orderby.*its message may name the parameter.*-product_tags"
    ):
        read("woocommerce/product_tags")


def test_resources_with_and_without_windows_are_materialized_if_the_connector_is_enabled(
    api, materialize, warehouse, monkeypatch
):
    monkeypatch.setenv("CONNECTORS__ENABLED", "woocommerce")
    api.set("woocommerce/products", [row(1, variations=[10])])
    api.set("woocommerce/product_variations", [{"parent": 1, "id": 10}])
    selected = ("woocommerce/products", "woocommerce/product_variations")
    summary = materialize(*selected, until=datetime.fromisoformat("2024-02-01T00:00:00+00:00"))
    assert summary.errors == []
    assert [summary.lines[name].windows for name in selected] == [2, 0]
    assert warehouse.ids("woocommerce.products") == [1]
    assert warehouse.query("SELECT id, _products_id FROM woocommerce.product_variations") == [(10, 1)]
