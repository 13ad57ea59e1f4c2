"""billing: invoices and subscriptions of a software vendor.

Modelled on Paddle Billing (developer.paddle.com, read 2026-11-21).

Pages follow the body's `next`, which is sent back as the query parameter `next`, until `has_more` is false (even the
last page has a `next`). The API cannot filter by time, so resources with a cursor are filtered after reading.
customers and their addresses and businesses are loaded whole, because an address can change without its customer.
A customer can be deleted between the list of customers and the request for its addresses: a 404 there means no rows.
event_types and ip_addresses have no timestamps.
"""

from pathlib import Path
from typing import Any

from dlt.sources.rest_api.typing import EndpointResource, JSONResponseCursorPaginatorConfig

from connectors_dagster import Connector, Cursor, ResourceOptions, Secret, Setting

PAGES: JSONResponseCursorPaginatorConfig = {
    "type": "cursor",
    "cursor_path": "next",
    "cursor_param": "next",
    "has_more_path": "has_more",
}
CURSORS = {
    "discounts": "updated_at",
    "prices": "updated_at",
    "products": "updated_at",
    "events": "occurred_at",
    "reports": "updated_at",
    "subscriptions": "updated_at",
    "transactions": "updated_at",
}


def _windowed(name: str, **params: Any) -> EndpointResource:
    return {
        "name": name,
        "endpoint": {"path": f"/v1/{name}", "params": params, "incremental": {"cursor_path": CURSORS[name]}},
    }


def _of_customer(name: str, path: str) -> EndpointResource:
    return {
        "name": name,
        "include_from_parent": ["id"],
        "endpoint": {
            "path": f"/v1/customers/{{resources.customers.id}}/{path}",
            "response_actions": [{"status_code": 404, "action": "ignore"}],
        },
    }


connector = Connector(
    name="billing",
    description="Software billing: customers, prices, subscriptions and transactions",
    schema=Path(__file__).with_suffix(".schema.yaml"),
    resources={name: ResourceOptions(cursor=Cursor()) for name in CURSORS},
    max_parallel_requests=16,  # one request per customer; the API is built for many merchants at once
    config={
        "client": {
            "base_url": Setting("base_url"),
            "auth": {"type": "bearer", "token": Secret("api_key")},
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {"data_selector": "data", "paginator": PAGES},
        },
        "resources": [
            {"name": "customers", "endpoint": {"path": "/v1/customers"}},
            _of_customer("customer_addresses", "addresses"),
            _of_customer("businesses", "businesses"),
            _windowed("discounts", limit=20),
            _windowed("prices", limit=20),
            _windowed("products", limit=20),
            _windowed("events"),
            {"name": "event_types", "endpoint": {"path": "/v1/event-types"}},
            _windowed("reports"),
            {"name": "ip_addresses", "endpoint": {"path": "/v1/ips"}},
            _windowed("subscriptions"),
            _windowed("transactions"),
        ],
    },
)
