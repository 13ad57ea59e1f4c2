"""picqer: a warehouse, Picqer API v1.

Sources: picqer.com/en/api (basics, response-codes, one page per resource) and the client github.com/picqer/picqer-php,
read 2026-11-22.

Pages have 100 rows and are requested by `offset`; there is no page size parameter, no total and no sort order. Requests
without a User-Agent that names program and contact are refused, hence the setting `user_agent`.

purchaseorders and returns are filtered by the API: `updated_after`. orders have `updated`, but can be filtered by
creation time only, which does not change with the status: all orders are read, and filtered then. Timestamps have no
time zone. They are read as UTC, and the bounds are written in the same way. West of Greenwich, a change looks up to 12
hours older than it is, so windows stay open for that long.

Everything else is read whole. A product's row contains its stock, which can change without `updated`; backorders change
and disappear. products_stock is read warehouse by warehouse, where each row names its product: one page has a hundred
products, while `products/{id}/stock` needs one request per product. Locations of type container have their own list.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from dlt.sources.rest_api.typing import EndpointResource, IncrementalConfig

from connectors_dagster import Connector, Cursor, ResourceOptions, Retry, Secret, Setting, TimestampFormat

WHOLE: Mapping[str, str] = {
    "customers": "idcustomer",
    "products": "idproduct",
    "backorders": "idbackorder",
    "locations": "idlocation",
    "warehouses": "idwarehouse",
    "users": "iduser",
    "suppliers": "idsupplier",
    "tags": "idtag",
    "templates": "idtemplate",
    "vatgroups": "idvatgroup",
}
WINDOWED: Mapping[str, tuple[str, IncrementalConfig]] = {
    "orders": ("idorder", {"cursor_path": "updated"}),
    "purchaseorders": ("idpurchaseorder", {"cursor_path": "updated", "start_param": "updated_after"}),
    "returns": ("idreturn", {"cursor_path": "updated_at", "start_param": "updated_after"}),
}
LOCAL = Cursor(timestamp_format=TimestampFormat(format="%Y-%m-%d %H:%M:%S"), lower="exclusive")


def _resource(name: str, key: str, **endpoint: Any) -> EndpointResource:
    return {"name": name, "primary_key": key, "endpoint": {"path": f"/{name}", **endpoint}}  # type: ignore[typeddict-item]


connector = Connector(
    name="picqer",
    description="Picqer warehouse: orders, products, stock, purchases and returns",
    enabled=False,
    schema=Path(__file__).with_suffix(".schema.yaml"),
    lookback=timedelta(hours=12),
    fixed_page_size=True,
    requests_per_minute=500,
    rate_limit_header="X-RateLimit-Remaining",
    # The rate limit counts requests per minute; these waits add up to a minute.
    retry=Retry(attempts=5),
    credentials_help=(
        "In Picqer, Settings › API Keys › New API key: create a separate key, so that it can be revoked. The "
        "permissions of a key cannot be restricted, except to one fulfilment customer if you fulfil for others. Set "
        "`user_agent` to the name of your program and a website or email address."
    ),
    excluded={
        "stats": "The list has only names and descriptions; each number needs its own request. The same numbers can be "
        "computed from the tables.",
    },
    resources={
        "products": ResourceOptions(
            missing_rows="mark",
            known_limitations="The API leaves out inactive products and documents no way to request them: a product "
            "that was read before is marked as missing.",
        ),
        "products_stock": ResourceOptions(
            known_limitations="Products with neither stock nor reservations in a warehouse have no row there."
        ),
        "orders": ResourceOptions(
            cursor=LOCAL, known_limitations="Every load reads all orders: the API cannot filter by modification time."
        ),
        "purchaseorders": ResourceOptions(cursor=LOCAL),
        "returns": ResourceOptions(cursor=LOCAL),
        "backorders": ResourceOptions(
            missing_rows="mark", known_limitations="A backorder that is processed or deleted is marked as missing."
        ),
        "users": ResourceOptions(
            known_limitations="A key for one fulfilment customer cannot read users, vatgroups and templates (403)."
        ),
    },
    groups={
        "sales": ("customers", "orders", "backorders", "returns"),
        "stock": ("products", "warehouses", "locations", "containers"),
        "purchasing": ("suppliers", "purchaseorders"),
    },
    config={
        "client": {
            "base_url": Setting("base_url"),
            "auth": {"type": "http_basic", "username": Secret("api_key"), "password": ""},
            "headers": {"User-Agent": Setting("user_agent"), "Accept": "application/json"},
        },
        "resource_defaults": {
            "write_disposition": "merge",
            "endpoint": {"paginator": {"type": "offset", "limit": 100, "total_path": None}},
        },
        "resources": [
            *(_resource(name, key) for name, key in WHOLE.items()),
            *(_resource(name, key, incremental=incremental) for name, (key, incremental) in WINDOWED.items()),
            _resource("containers", "idlocation", path="/locations", params={"type": "container"}),
            {
                "name": "products_stock",
                "primary_key": ["_warehouses_idwarehouse", "idproduct"],
                "include_from_parent": ["idwarehouse"],
                "endpoint": {
                    "path": "/warehouses/{resources.warehouses.idwarehouse}/stock",
                    "response_actions": [{"status_code": 404, "action": "ignore"}],
                },
            },
        ],
    },
)
