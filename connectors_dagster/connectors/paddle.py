"""paddle: Paddle Billing, API version 1. Source: developer.paddle.com, read 2026-11-22.

Also github.com/PaddleHQ/paddle-python-sdk (48c8cc04) and v1/openapi.yaml of github.com/PaddleHQ/paddle-openapi
(792a49e), read 2026-11-27, for discounts and for the lists from discount_groups to simulation_runs.

`meta.pagination.next` is present even on the last page and is an absolute URL, so it is not followed. Instead, each
page is requested `after` the last id of the previous one, until `has_more` is false. Ids increase with creation time
and `order_by` sorts them in ascending order, so rows created while pages are read are on the last page, and no row
moves to another page (`pages_are_stable`). Page sizes are the largest that each list allows.

Only `transactions` can be filtered by time. The other lists with a cursor are filtered after reading.
Paddle archives rows instead of deleting them, and lists leave them out unless `status` requests them. Every list is
requested with all its states; according to Paddle's OpenAPI file, the filter of reports has no `deleted`. That file
describes how to list expired discounts, but its filter has no such value: they are requested apart, and it is counted
if the API refuses that. customers and what belongs to them are loaded whole, because an address can change without its
customer. notifications are loaded whole too, because attempts of delivery do not change their only time. event_types
and ip_addresses have no timestamps and fit on one page. `include` is used for the events of simulation_runs only: what
it adds to other rows are resources of their own.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from dlt.sources.rest_api.typing import (
    Endpoint,
    EndpointResource,
    IncrementalConfig,
    JSONResponseCursorPaginatorConfig,
    ResponseActionDict,
)

from connectors_dagster import Connector, Cursor, ResourceOptions, ResponseRule, Retry, Secret, Setting

ARCHIVED_TOO = "active,archived"
DOMAINS = "pending_review,approved,rejected,in_review,action_required"
GONE: ResponseActionDict = {"status_code": 404, "content": "not_found", "action": "ignore"}
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
    include: str | None = None,
    **endpoint: Any,
) -> EndpointResource:
    params: dict[str, Any] = {"per_page": per_page, "order_by": "id[ASC]"}
    params |= {"include": include} if include else {}
    pages: JSONResponseCursorPaginatorConfig = {
        "type": "cursor",
        "cursor_path": f"data[-1].{key}",
        "cursor_param": "after",
        "has_more_path": "meta.pagination.has_more",
    }
    endpoint |= {"path": path, "params": params | ({"status": status} if status else {}), "paginator": pages}
    return {"name": name, "primary_key": key, "endpoint": cast(Endpoint, endpoint)}


def _child(name: str, path: str, **options: Any) -> EndpointResource:
    return {**_list(name, path, response_actions=[GONE], **options), "include_from_parent": ["id"]}


def _of_customer(name: str, ending: str, **options: Any) -> EndpointResource:
    return _child(name, f"/customers/{{resources.customers.id}}/{ending}", **options)


def _windowed(known_limitations: str = "") -> ResourceOptions:
    return ResourceOptions(cursor=Cursor(), known_limitations=known_limitations)


NOT_LISTED = "Items created for a single transaction (type custom) are not in the API's lists."
FILTERED_HERE = "The API cannot filter by time: each refresh reads the whole list."
ONE_BY_ONE = "Each refresh makes one request per customer, including archived customers."
REFUSED = ResponseRule(
    action="ignore",
    statuses=frozenset({400}),
    text='"status"',
    message="the API does not list expired discounts",
)

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
        "adjustment.read, address.read, business.read, customer.read, discount.read, notification.read (also for "
        "events), notification_simulation.read, payment_method.read, price.read, product.read, report.read, "
        "subscription.read, transaction.read, and those to read discount groups, client-side tokens and checkout "
        "domains. `base_url` is https://api.paddle.com, or https://sandbox-api.paddle.com with a sandbox key."
    ),
    excluded={
        "rows of reports": "They are files. Each has a download link that must be requested separately and expires.",
        "notification_settings": "Each row has the secret key with which webhooks are signed.",
        "notification_logs": "The list requires a notification, so it would take one request for each of them; "
        "`notifications` has the number of attempts and the time of the last one.",
        "simulation_run_events": "They are in the column `events` of `simulation_runs`.",
        "simulation_types": "Paddle's own list of scenarios, which says nothing about the account.",
        "metrics": "Paddle's own figures per day, in one object per figure, for a range of days that must be given. "
        "They can be computed from `transactions`, `adjustments` and `subscriptions`.",
    },
    resources={
        "adjustments": _windowed(FILTERED_HERE),
        "discounts": replace(
            _windowed(f"{FILTERED_HERE} Only active, archived and expired discounts are requested."),
            for_each={"status": [ARCHIVED_TOO, "expired"]},
            responses=(REFUSED,),
        ),
        "discount_groups": ResourceOptions(known_limitations="No way to request archived groups is documented."),
        "prices": _windowed(f"{FILTERED_HERE} {NOT_LISTED}"),
        "products": _windowed(f"{FILTERED_HERE} {NOT_LISTED}"),
        "reports": _windowed(FILTERED_HERE),
        "events": _windowed(f"{FILTERED_HERE} Paddle keeps events for 90 days; older windows stay as loaded."),
        "subscriptions": _windowed(f"{FILTERED_HERE} `management_urls` are new in every response and expire."),
        "transactions": _windowed(),
        "customer_addresses": ResourceOptions(known_limitations=ONE_BY_ONE),
        "businesses": ResourceOptions(known_limitations=ONE_BY_ONE),
        "credit_balances": ResourceOptions(known_limitations=ONE_BY_ONE),
        "payment_methods": ResourceOptions(known_limitations=ONE_BY_ONE),
        "notifications": ResourceOptions(
            known_limitations="Each refresh reads the whole list. Paddle keeps notifications for 90 days."
        ),
        "simulation_runs": ResourceOptions(known_limitations="Each refresh makes one request per simulation."),
        "ip_addresses": ResourceOptions(
            value_column="ipv4_cidr",
            missing_rows="delete",
            known_limitations="Addresses of the environment that `base_url` points to. Addresses that are no longer "
            "listed are deleted.",
        ),
    },
    groups={
        "catalog": ("products", "prices", "discounts", "discount_groups"),
        "customers": ("customers",),
        "sales": ("subscriptions", "transactions", "adjustments"),
        "notifications": ("notifications", "simulations"),
        "settings": ("client_tokens", "checkout_domains", "ip_addresses"),
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
            _of_customer("customer_addresses", "addresses", status=ARCHIVED_TOO),
            _of_customer("businesses", "businesses", status=ARCHIVED_TOO),
            _of_customer("payment_methods", "payment-methods"),
            {
                "name": "credit_balances",
                "primary_key": ["customer_id", "currency_code"],
                "include_from_parent": ["id"],
                "endpoint": {
                    "path": "/customers/{resources.customers.id}/credit-balances",
                    "paginator": "single_page",
                    "response_actions": [GONE],
                },
            },
            _list("adjustments", "/adjustments", incremental=UPDATED, per_page=50),
            _list("discounts", "/discounts", incremental=UPDATED, status="{each.status}"),
            _list("discount_groups", "/discount-groups"),
            _list("prices", "/prices", incremental=UPDATED, status=ARCHIVED_TOO),
            _list("products", "/products", incremental=UPDATED, status=ARCHIVED_TOO),
            _list("events", "/events", incremental=OCCURRED, key="event_id"),
            _list("notifications", "/notifications"),
            _list("client_tokens", "/client-tokens", status="active,revoked"),
            _list("checkout_domains", "/checkout-domains", status=DOMAINS),
            _list("simulations", "/simulations", status=ARCHIVED_TOO),
            _child("simulation_runs", "/simulations/{resources.simulations.id}/runs", include="events"),
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
