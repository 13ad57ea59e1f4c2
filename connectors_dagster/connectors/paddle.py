"""paddle: Paddle Billing, API version 1. Source: developer.paddle.com, read 2026-11-22.

`meta.pagination.next` is present even on the last page and is an absolute URL, so it is not followed. Instead, each
page is requested `after` the last id of the previous one, until `has_more` is false. Ids increase with creation time
and `order_by` sorts them in ascending order, so rows created while pages are read are on the last page, and no row
moves to another page (`pages_are_stable`). Page sizes are the largest that each list allows.

Only `transactions` can be filtered by time. The other lists with a cursor are filtered after reading.
Paddle archives rows instead of deleting them, and lists leave them out unless `status` requests them. Every list is
requested with all its states; according to Paddle's OpenAPI file, the filter of reports has no `deleted`. customers,
customer_addresses and businesses are loaded whole, because an address can change without its customer. event_types and
ip_addresses have no timestamps and fit on one page. `include` is not used, because what it adds to rows are resources
of their own.
"""

from pathlib import Path
from typing import Any, cast

from dlt.sources.rest_api.typing import (
    Endpoint,
    EndpointResource,
    IncrementalConfig,
    JSONResponseCursorPaginatorConfig,
)

from connectors_dagster import Connector, Cursor, ResourceOptions, Retry, Secret, Setting

ARCHIVED_TOO = "active,archived"
UPDATED: IncrementalConfig = {"cursor_path": "updated_at"}
OCCURRED: IncrementalConfig = {"cursor_path": "occurred_at"}
FILTERED: IncrementalConfig = {
    "cursor_path": "updated_at",
    "start_param": "updated_at[GTE]",
    "end_param": "updated_at[LT]",
}


def _list(
    name: str,
    path: str,
    *,
    status: str | None = None,
    per_page: int = 200,
    key: str = "id",
    **endpoint: Any,
) -> EndpointResource:
    params: dict[str, Any] = {"per_page": per_page, "order_by": "id[ASC]"}
    pages: JSONResponseCursorPaginatorConfig = {
        "type": "cursor",
        "cursor_path": f"data[-1].{key}",
        "cursor_param": "after",
        "has_more_path": "meta.pagination.has_more",
    }
    endpoint |= {"path": path, "params": params | ({"status": status} if status else {}), "paginator": pages}
    return {"name": name, "primary_key": key, "endpoint": cast(Endpoint, endpoint)}


def _of_customer(name: str, ending: str) -> EndpointResource:
    path = f"/customers/{{resources.customers.id}}/{ending}"
    gone = {"status_code": 404, "content": "not_found", "action": "ignore"}
    return {**_list(name, path, status=ARCHIVED_TOO, response_actions=[gone]), "include_from_parent": ["id"]}


def _windowed(known_limitations: str = "") -> ResourceOptions:
    return ResourceOptions(cursor=Cursor(), known_limitations=known_limitations)


NOT_LISTED = "Items created for a single transaction (type custom) are not in the API's lists."
FILTERED_HERE = "The API cannot filter by time: each refresh reads the whole list."
ONE_BY_ONE = "Each refresh makes one request per customer, including archived customers."

connector = Connector(
    name="paddle",
    description="Paddle Billing: customers, products, prices, subscriptions, transactions and adjustments",
    schema=Path(__file__).with_suffix(".schema.yaml"),
    enabled=False,
    requests_per_minute=240,
    retry=Retry(attempts=5),
    pages_are_stable=True,
    credentials_help=(
        "In Paddle, Developer tools > Authentication > API keys: create a separate key with only these permissions: "
        "adjustment.read, address.read, business.read, customer.read, discount.read, notification.read (for events), "
        "price.read, product.read, report.read, subscription.read, transaction.read. `base_url` is "
        "https://api.paddle.com, or https://sandbox-api.paddle.com with a sandbox key."
    ),
    excluded={
        "rows of reports": "They are files. Each has a download link that must be requested separately and expires.",
    },
    resources={
        "adjustments": _windowed(FILTERED_HERE),
        "discounts": _windowed(f"{FILTERED_HERE} Only active, archived and expired discounts are requested."),
        "prices": _windowed(f"{FILTERED_HERE} {NOT_LISTED}"),
        "products": _windowed(f"{FILTERED_HERE} {NOT_LISTED}"),
        "reports": _windowed(FILTERED_HERE),
        "events": _windowed(f"{FILTERED_HERE} Paddle keeps events for 90 days; older windows stay as loaded."),
        "subscriptions": _windowed(f"{FILTERED_HERE} `management_urls` are new in every response and expire."),
        "transactions": _windowed(),
        "customer_addresses": ResourceOptions(known_limitations=ONE_BY_ONE),
        "businesses": ResourceOptions(known_limitations=ONE_BY_ONE),
        "ip_addresses": ResourceOptions(
            value_column="ipv4_cidr",
            missing_rows="delete",
            known_limitations="Addresses of the environment that `base_url` points to. Addresses that are no longer "
            "listed are deleted.",
        ),
    },
    groups={
        "catalog": ("products", "prices", "discounts"),
        "customers": ("customers",),
        "sales": ("subscriptions", "transactions", "adjustments"),
    },
    config={
        "client": {
            "base_url": Setting("base_url"),
            "auth": {"type": "bearer", "token": Secret("api_key")},
            "headers": {"Paddle-Version": "1", "Skip-Count": "true"},
        },
        "resource_defaults": {"write_disposition": "merge", "endpoint": {"data_selector": "data"}},
        "resources": [
            _list("customers", "/customers", status=ARCHIVED_TOO),
            _of_customer("customer_addresses", "addresses"),
            _of_customer("businesses", "businesses"),
            _list("adjustments", "/adjustments", incremental=UPDATED, per_page=50),
            _list("discounts", "/discounts", incremental=UPDATED, status="active,archived,expired"),
            _list("prices", "/prices", incremental=UPDATED, status=ARCHIVED_TOO),
            _list("products", "/products", incremental=UPDATED, status=ARCHIVED_TOO),
            _list("events", "/events", incremental=OCCURRED, key="event_id"),
            _list("reports", "/reports", incremental=UPDATED, status="pending,ready,failed,expired"),
            _list("subscriptions", "/subscriptions", incremental=UPDATED),
            _list("transactions", "/transactions", incremental=FILTERED, per_page=30),
            {
                "name": "event_types",
                "primary_key": "name",
                "endpoint": {"path": "/event-types", "paginator": "single_page"},
            },
            {
                "name": "ip_addresses",
                "primary_key": "ipv4_cidr",
                "endpoint": {"path": "/ips", "data_selector": "data.ipv4_cidrs", "paginator": "single_page"},
            },
        ],
    },
)
