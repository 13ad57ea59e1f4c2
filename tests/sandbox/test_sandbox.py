"""The sandbox behaves like five real APIs, including their pitfalls, and always serves the same data."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from connectors_dagster.sandbox import CREDENTIALS, Tables, base_url, environment, generate_tables, running
from connectors_dagster.sandbox.dialects.memory import LARGE

Row = dict[str, Any]
Get = Callable[..., httpx.Response]
Ids = Callable[..., list[int]]

LISTS = {
    "storefront": {"customers": "customers", "coupons": "coupons", "orders": "orders"},
    "catalog": {"ecommerce_data": "v1/resource"},
    "fulfillment": {"customers": "customers", "products": "products", "orders": "orders"},
    "billing": {
        **{name: f"v1/{name}" for name in ("customers", "discounts", "prices", "products", "events", "reports")},
        **{name: f"v1/{name}" for name in ("subscriptions", "transactions")},
        "event_types": "v1/event-types",
        "ip_addresses": "v1/ips",
    },
    "subscriptions": {name: f"{name}s" for name in ("addon", "item", "customer", "coupon", "event")},
}
EVERY_LIST = [(connector, resource) for connector, resources in LISTS.items() for resource in resources]
ANY_PATH = {connector: next(iter(paths.values())) for connector, paths in LISTS.items()}
SIZE = dict.fromkeys(LISTS, "limit") | {"storefront": "per_page"}


@contextmanager
def reading(tables: Tables) -> Iterator[Get]:
    """Yield a function that sends requests with the right credentials, with other credentials, or without any."""

    def get(connector: str, path: str, *, auth: Any = "its own", **params: Any) -> httpx.Response:
        url = f"{base_url(port, connector).rstrip('/')}/{path}"
        if auth == "its own":
            return client.get(url, **credentials(connector, params))
        return client.get(url, params=params, auth=auth)

    with running(tables) as port, httpx.Client() as client:
        yield get


def credentials(connector: str, params: Row) -> Row:
    keys = list(CREDENTIALS[connector].values())
    if connector == "catalog":
        return {"params": {**params, "api_key": keys[0]}}
    if connector == "billing":
        return {"params": params, "headers": {"Authorization": f"Bearer {keys[0]}"}}
    return {"params": params, "auth": (*keys, "")[:2]}


def pages(get: Get, connector: str, path: str, *, size: int) -> Iterator[list[Row]]:
    """Read all pages of a list as its dialect requires."""
    params: Row = {SIZE[connector]: size} | ({"orderby": "id", "order": "asc"} if connector == "storefront" else {})
    while True:
        body = get(connector, path, **params).raise_for_status().json()
        rows = body["data"] if "data" in body else [next(iter(item.values())) for item in body["list"]]
        yield rows
        if connector == "billing":
            more, params["next"] = body["has_more"], body["next"]
        elif connector == "subscriptions":
            more, params["offset"] = "next_offset" in body, body.get("next_offset")
        else:
            more, params["offset"] = len(rows) == size, params.get("offset", 0) + len(rows)
        if not more:
            return


@pytest.fixture(scope="module")
def tables() -> Tables:
    return generate_tables()


@pytest.fixture(scope="module")
def get(tables: Tables) -> Iterator[Get]:
    with reading(tables) as get:
        yield get


@pytest.fixture
def shop() -> Tables:
    """A storefront with no orders, for a test to fill."""
    return {"storefront": {"orders": []}}


@pytest.fixture
def orders(shop: Tables) -> Iterator[Ids]:
    with reading(shop) as get:
        yield lambda **params: [row["id"] for row in get("storefront", "orders", **params).json()["data"]]


def order(number: int, at: str | None, **more: Any) -> Row:
    return {"id": number, "date_modified_gmt": at, **more}


# Credentials


@pytest.mark.parametrize("connector", LISTS)
def test_an_api_accepts_its_own_credentials(get: Get, connector: str) -> None:
    assert get(connector, ANY_PATH[connector]).status_code == 200


@pytest.mark.parametrize("auth", [None, ("someone", "else"), ("sandbox-subscriptions-key", "not empty")])
@pytest.mark.parametrize(
    ("connector", "words"),
    [
        ("storefront", {"code": "storefront_rest_cannot_view", "data": {"status": 401}}),
        ("catalog", {"error": {"status": 401, "message": "the credentials are missing or wrong"}}),
        ("fulfillment", {"error": True, "error_code": 2}),
        (
            "billing",
            {
                "error": {
                    "type": "request_error",
                    "code": "authentication_failed",
                    "detail": "the credentials are missing or wrong",
                }
            },
        ),
        ("subscriptions", {"api_error_code": "api_authentication_failed", "type": "invalid_request"}),
    ],
)
def test_an_api_refuses_other_credentials_in_its_own_format(get: Get, connector: str, words: Row, auth: Any) -> None:
    response = get(connector, ANY_PATH[connector], auth=auth)
    assert response.status_code == 401
    assert {key: response.json()[key] for key in words} == words


def test_all_settings_are_environment_variables_that_dlt_reads() -> None:
    settings = environment(8000)
    assert settings["SOURCES__FULFILLMENT__BASE_URL"] == "http://127.0.0.1:8000/fulfillment/v1/"
    assert settings["SOURCES__STOREFRONT__API_SECRET"] == CREDENTIALS["storefront"]["api_secret"]
    assert len(settings) == len(CREDENTIALS) + sum(len(keys) for keys in CREDENTIALS.values()) + 1  # a User-Agent


# Pages


@pytest.mark.parametrize(("connector", "resource"), EVERY_LIST)
def test_pages_have_each_row_once(get: Get, tables: Tables, connector: str, resource: str) -> None:
    read = [row for page in pages(get, connector, LISTS[connector][resource], size=40) for row in page]
    stored = tables[connector][resource]
    assert read == (sorted(stored, key=lambda row: row["id"]) if connector == "billing" else stored)


@pytest.mark.parametrize(
    ("connector", "parents", "path", "children", "key"),
    [
        ("billing", "customers", "v1/customers/{}/addresses", "customer_addresses", "customer_id"),
        ("billing", "customers", "v1/customers/{}/businesses", "businesses", "customer_id"),
        ("subscriptions", "item", "items/{}/attached_items", "attached_item", "parent_item_id"),
    ],
)
def test_children_are_read_parent_by_parent(
    get: Get, tables: Tables, connector: str, parents: str, path: str, children: str, key: str
) -> None:
    read = {
        parent["id"]: [row for page in pages(get, connector, path.format(parent["id"]), size=2) for row in page]
        for parent in tables[connector][parents]
    }
    assert all(row[key] == parent for parent, rows in read.items() for row in rows)
    assert sum(map(len, read.values())) == len(tables[connector][children]) > 0
    assert get(connector, path.format("nobody")).status_code == 404


@pytest.mark.parametrize(("connector", "size"), [("catalog", 50), ("storefront", 10), ("subscriptions", 10)])
def test_a_page_has_a_default_size(get: Get, connector: str, size: int) -> None:
    body = get(connector, ANY_PATH[connector]).json()
    assert len(body.get("data") or body["list"]) == size


def test_billing_sends_a_cursor_even_with_the_last_page(get: Get) -> None:
    last = get("billing", "v1/products", limit=200).json()
    after = get("billing", "v1/products", next=last["next"]).json()
    assert (last["has_more"], after) == (False, {"data": [], "next": last["next"], "has_more": False})


def test_subscriptions_customers_come_with_a_card(get: Get) -> None:
    items = get("subscriptions", "customers").json()["list"]
    assert all(item["card"]["customer_id"] == item["customer"]["id"] for item in items)


def test_subscriptions_last_page_has_no_next_offset(get: Get) -> None:
    assert list(get("subscriptions", "coupons", limit=100).json()) == ["list"]


def test_subscriptions_next_offset_is_text_that_looks_like_a_list(get: Get) -> None:
    offset = get("subscriptions", "addons", limit=1).json()["next_offset"]
    assert [len(part) for part in orjson.loads(offset)] == [13, 12]


@pytest.mark.parametrize(
    ("connector", "params"),
    [
        ("storefront", {"per_page": 101}),
        ("storefront", {"offset": "-1"}),
        ("storefront", {"order": "up"}),
        ("catalog", {"limit": "many"}),
        ("fulfillment", {"offset": "x"}),
        ("billing", {"next": "made up"}),
        ("billing", {"next": "Y3VzdG9tZXJz"}),
        ("subscriptions", {"offset": "10"}),
        ("subscriptions", {"limit": 101}),
    ],
)
def test_an_invalid_parameter_is_refused(get: Get, connector: str, params: Row) -> None:
    response = get(connector, ANY_PATH[connector], **params)
    assert response.status_code == 400
    assert next(iter(params)) in response.text


def test_a_cursor_belongs_to_the_list_it_came_from(get: Get) -> None:
    cursor = get("billing", "v1/products").json()["next"]
    assert get("billing", "v1/prices", next=cursor).json()["error"]["code"] == "bad_request"


@pytest.mark.parametrize(
    ("connector", "path", "most"),
    [("catalog", "v1/resource", 100), ("fulfillment", "orders", 100), ("billing", "v1/events", 200)],
)
def test_a_page_size_above_the_maximum_is_silently_lowered(get: Get, connector: str, path: str, most: int) -> None:
    assert len(get(connector, path, limit=1000).json()["data"]) == most


@pytest.mark.parametrize("connector", LISTS)
def test_an_unknown_path_is_refused_in_json(get: Get, connector: str) -> None:
    response = get(connector, "nowhere")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/json")


# The storefront's filter


def test_both_bounds_of_the_filter_are_exclusive(shop: Tables, orders: Ids) -> None:
    times = ["2024-01-30T23:59:59", "2024-01-31T00:00:00", "2024-01-31T00:00:01", "2024-02-01T00:00:00"]
    shop["storefront"]["orders"] = [order(number, at) for number, at in enumerate(times)]
    bounds = {"modified_after": times[0], "modified_before": times[3]}
    assert orders(**bounds, dates_are_gmt="true", orderby="id", order="asc") == [1, 2]


@pytest.mark.parametrize("bound", ["2024-01-31T00:00:00.999Z", "2024-01-31T02:00:00+02:00", "2024-01-31"])
def test_a_bound_is_read_in_whole_seconds_of_utc(shop: Tables, orders: Ids, bound: str) -> None:
    shop["storefront"]["orders"] = [order(0, "2024-01-31T00:00:00"), order(1, "2024-01-31T00:00:01")]
    assert orders(modified_after=bound, dates_are_gmt="true") == [1]


def test_a_row_without_a_date_is_hidden_only_by_a_filter(shop: Tables, orders: Ids) -> None:
    shop["storefront"]["orders"] = [order(1, None), order(2, "2024-01-31T00:00:00")]
    assert orders(modified_after="1999-01-01T00:00:00", dates_are_gmt="true") == [2]
    assert orders(orderby="id") == [2, 1]


def test_without_dates_are_gmt_the_filter_compares_local_time(shop: Tables, orders: Ids) -> None:
    shop["storefront"]["orders"] = [order(1, "2024-01-30T23:30:00", date_modified="2024-01-31T01:30:00")]
    assert orders(modified_after="2024-01-31T00:00:00", dates_are_gmt="true") == []
    assert orders(modified_after="2024-01-31T00:00:00") == [1]


def test_customers_ignore_the_filter(get: Get, tables: Tables) -> None:
    response = get("storefront", "customers", modified_after="2099-01-01T00:00:00", dates_are_gmt="true")
    assert response.headers["x-wp-total"] == str(len(tables["storefront"]["customers"]))


def test_an_invalid_timestamp_is_refused(get: Get) -> None:
    response = get("storefront", "orders", modified_before="yesterday")
    assert response.json() == {
        "code": "storefront_rest_invalid_param",
        "message": "modified_before must be an ISO 8601 date and time, not 'yesterday'",
        "data": {"status": 400},
    }


# The tables


def test_a_change_of_a_row_shows_in_the_next_request(shop: Tables, orders: Ids) -> None:
    shop["storefront"]["orders"].append(order(1, "2024-01-01T00:00:00"))
    assert orders(modified_after="2024-06-01T00:00:00", dates_are_gmt="1") == []
    shop["storefront"]["orders"][0]["date_modified_gmt"] = "2024-07-01T00:00:00"
    assert orders(modified_after="2024-06-01T00:00:00", dates_are_gmt="1") == [1]
    shop["storefront"]["orders"] = []
    assert orders(modified_after="2024-06-01T00:00:00", dates_are_gmt="1") == []


def test_a_change_shows_in_a_large_table_too(shop: Tables, orders: Ids) -> None:
    rows = shop["storefront"]["orders"] = [order(number, "2024-01-01T00:00:00") for number in range(LARGE)]
    by_id = {"orderby": "id", "order": "asc", "per_page": 2}
    assert (orders(**by_id), orders(**by_id, offset=2)) == ([0, 1], [2, 3])
    rows[0]["id"] = LARGE
    assert (orders(**by_id), orders(**by_id, offset=2)) == ([1, 2], [3, 4])
    del rows[1]
    assert orders(**by_id, offset=2) == [4, 5]


def test_counts_are_the_numbers_of_rows(tables: Tables) -> None:
    with running(tables) as port:
        counts = httpx.get(f"http://127.0.0.1:{port}/_counts").json()
    assert counts["storefront"].pop("order_lines") == sum(
        len(row["line_items"]) for row in tables["storefront"]["orders"]
    )
    assert counts == {
        connector: {resource: len(rows) for resource, rows in resources.items()}
        for connector, resources in tables.items()
    }


# The data


def test_the_same_seed_serves_the_same_bytes(get: Get) -> None:
    with reading(generate_tables()) as same, reading(generate_tables(seed=8)) as other:
        for connector, path in ANY_PATH.items():
            assert get(connector, path).content == same(connector, path).content != other(connector, path).content


@pytest.mark.parametrize(
    ("connector", "resource", "cursor", "neighbour"),
    [
        ("storefront", "coupons", "date_modified_gmt", timedelta(seconds=1)),
        ("storefront", "orders", "date_modified_gmt", timedelta(seconds=1)),
        ("fulfillment", "orders", "updated", timedelta(seconds=1)),
        ("billing", "events", "occurred_at", timedelta(seconds=0.5)),
        ("billing", "transactions", "updated_at", timedelta(seconds=0.5)),
    ],
)
def test_every_30_day_window_has_rows_and_so_do_some_edges(
    tables: Tables, connector: str, resource: str, cursor: str, neighbour: timedelta
) -> None:
    start, step = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=30)
    texts = [row[cursor] for row in tables[connector][resource]]
    times = {datetime.fromisoformat(text).replace(tzinfo=UTC) for text in texts}
    assert {(at - start) // step for at in times} == set(range(35))
    assert {start, start + step - neighbour, start + step} <= times


def test_references_point_to_existing_rows(tables: Tables) -> None:
    ids = {c: {r: {row.get("id") for row in rows} for r, rows in resources.items()} for c, resources in tables.items()}
    billing = tables["billing"]
    assert {row["customer_id"] for row in tables["storefront"]["orders"]} <= ids["storefront"]["customers"]
    assert {row["customer_id"] for row in billing["transactions"]} <= ids["billing"]["customers"]
    assert {row["subscription_id"] for row in billing["transactions"]} - {None} <= ids["billing"]["subscriptions"]
    assert {row["product_id"] for row in billing["prices"]} <= ids["billing"]["products"]
    assert {row["event_type"] for row in billing["events"]} <= ids["billing"]["event_types"]
    assert {row["item_id"] for row in tables["subscriptions"]["attached_item"]} <= ids["subscriptions"]["item"]


@pytest.mark.parametrize("connector", ["storefront", "catalog", "billing", "subscriptions"])
def test_every_row_has_a_unique_id(tables: Tables, connector: str) -> None:
    for rows in tables[connector].values():
        assert len({row["id"] for row in rows}) == len(rows) > 0


def test_orders_have_about_two_kilobytes(tables: Tables) -> None:
    orders = tables["storefront"]["orders"]
    assert 1_800 < len(orjson.dumps(orders)) / len(orders) < 2_500
