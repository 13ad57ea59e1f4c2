"""subscriptions: recurring billing. Modelled on Chargebee API v2 (apidocs.chargebee.com, read 2026-11-21).

Rows are inside the items of `list`, under the resource's own name. `next_offset` is sent back unchanged as
`offset` until it is missing. No resource has a cursor, so all are loaded whole. An item can be deleted
between the list of items and the request for its attachments: a 404 there means no rows.
"""

from pathlib import Path

from dlt.sources.rest_api.typing import EndpointResource

from connectors_dagster import Connector, Retry, Secret, Setting


def _resource(name: str, path: str) -> EndpointResource:
    return {"name": name, "endpoint": {"path": path, "data_selector": f"list.*.{name}"}}


connector = Connector(
    name="subscriptions",
    description="Recurring billing: add-ons, items, customers, coupons and events",
    schema=Path(__file__).with_suffix(".schema.yaml"),
    retry=Retry(attempts=10),
    max_parallel_requests=16,  # Chargebee allows 50 concurrent GET requests
    config={
        "client": {
            "base_url": Setting("base_url"),
            "auth": {"type": "http_basic", "username": Secret("api_key"), "password": ""},
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {
                "params": {"limit": 100},
                "paginator": {"type": "cursor", "cursor_path": "next_offset", "cursor_param": "offset"},
            },
        },
        "resources": [
            _resource("addon", "/addons"),
            _resource("item", "/items"),
            {
                "name": "attached_item",
                "include_from_parent": ["id"],
                "endpoint": {
                    "path": "/items/{resources.item.id}/attached_items",
                    "data_selector": "list.*.attached_item",
                    "response_actions": [{"status_code": 404, "action": "ignore"}],
                },
            },
            _resource("customer", "/customers"),
            _resource("coupon", "/coupons"),
            _resource("event", "/events"),
        ],
    },
)
