"""picqer: a warehouse, Picqer API v1.

Sources: picqer.com/en/api (basics, response-codes, one page per resource) and the client github.com/picqer/picqer-php
(0807360), read 2026-11-22 and 2026-11-27. The tap github.com/Optiply/tap-picqer-with-receiver, read 2026-11-27,
requests inactive products, closed picklists, and receipts by modification time.

Pages have 100 rows and are requested by `offset`; there is no page size parameter, no total and no sort order.
Requests without a User-Agent that names program and contact are refused, hence the setting `user_agent`.

purchaseorders, receipts and returns are filtered by the API: `updated_after`; changes of stock by `sincedate` and
`untildate`. orders, picklists, batches and shipments have a modification time, but no documented filter for it: they
are all read, and filtered then. Picklists are requested for each status, because the documentation does not say which
ones the list has without it. products are requested twice, because inactive ones are left out. Timestamps have no time
zone. They are read as UTC, and the bounds are written in the same way. West of Greenwich, a change looks up to 12
hours older than it is, so windows stay open for that long.

Everything else is read whole. A product's row contains its stock, which can change without `updated`; backorders
change and disappear. products_stock is read warehouse by warehouse, where each row names its product: one page has a
hundred products, while `products/{id}/stock` needs one request per product. Locations of type container have their own
list.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from dlt.sources.rest_api.typing import EndpointResource, IncrementalConfig

from connectors_dagster import Connector, Cursor, ResourceOptions, Retry, Secret, Setting, TimestampFormat

WHOLE: Mapping[str, str] = {
    "customers": "idcustomer",
    "backorders": "idbackorder",
    "locations": "idlocation",
    "warehouses": "idwarehouse",
    "users": "iduser",
    "suppliers": "idsupplier",
    "tags": "idtag",
    "templates": "idtemplate",
    "vatgroups": "idvatgroup",
    "comments": "idcomment",
    "customerfields": "idcustomerfield",
    "orderfields": "idorderfield",
    "pricelists": "idpricelist",
    "productfields": "idproductfield",
    "return_reasons": "idreturn_reason",
    "return_statuses": "idreturn_status",
}
UPDATED: IncrementalConfig = {"cursor_path": "updated"}
UPDATED_AT: IncrementalConfig = {"cursor_path": "updated_at"}
WINDOWED: Mapping[str, tuple[str, IncrementalConfig]] = {
    "orders": ("idorder", UPDATED),
    "shipments": ("idshipment", UPDATED),
    "purchaseorders": ("idpurchaseorder", {"cursor_path": "updated", "start_param": "updated_after"}),
    "receipts": ("idreceipt", {"cursor_path": "updated", "start_param": "updated_after"}),
    "returns": ("idreturn", {"cursor_path": "updated_at", "start_param": "updated_after"}),
}
HISTORY: IncrementalConfig = {"cursor_path": "changed_at", "start_param": "sincedate", "end_param": "untildate"}
PICKLIST_STATUSES = ["new", "paused", "snoozed", "closed", "cancelled"]
COMPOSITIONS = ("virtual_composition", "composition_with_stock")
UNFILTERED = "Every load reads all {}: the API cannot filter by modification time."
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
        "movements": "Their fields are not documented. `stock_history` and `location_stock_history` have every "
        "change of stock.",
        "locations of products": "The list requires a product or a location; `location_stock_history` says what was "
        "put where.",
        "hooks": "Rows can contain the secret with which webhooks are signed.",
        "picklist_batch_presets": "Names of filters for the user interface.",
    },
    resources={
        "products": ResourceOptions(
            missing_rows="mark",
            for_each={"inactive": [None, "true"]},
            known_limitations="Active and inactive products are two lists of the API; `active` says which one a "
            "product is on. A deleted product is marked as missing.",
        ),
        "product_parts": ResourceOptions(
            has_children_field="type",
            has_children_values=COMPOSITIONS,
            known_limitations="Each refresh makes one request per composition.",
        ),
        "products_stock": ResourceOptions(
            known_limitations="Products with neither stock nor reservations in a warehouse have no row there."
        ),
        "orders": ResourceOptions(cursor=LOCAL, known_limitations=UNFILTERED.format("orders")),
        "picklists": ResourceOptions(
            cursor=LOCAL,
            for_each={"status": PICKLIST_STATUSES},
            known_limitations=UNFILTERED.format("picklists, one status after the other"),
        ),
        "picklist_batches": ResourceOptions(cursor=LOCAL, known_limitations=UNFILTERED.format("batches")),
        "shipments": ResourceOptions(cursor=LOCAL, known_limitations=UNFILTERED.format("shipments")),
        "receipts": ResourceOptions(cursor=LOCAL),
        "stock_history": ResourceOptions(cursor=LOCAL),
        "location_stock_history": ResourceOptions(cursor=LOCAL),
        "shipping_providers": ResourceOptions(
            key="row_hash",
            known_limitations="Their fields are not documented: all but `name` are in columns of their own.",
        ),
        "purchaseorders": ResourceOptions(cursor=LOCAL),
        "returns": ResourceOptions(cursor=LOCAL),
        "backorders": ResourceOptions(
            missing_rows="mark", known_limitations="A backorder that is processed or deleted is marked as missing."
        ),
        "users": ResourceOptions(
            known_limitations="A key for one fulfilment customer cannot read users, vatgroups, templates and more."
        ),
    },
    groups={
        "sales": ("customers", "orders", "backorders", "fulfilment_customers"),
        "shipping": ("picklists", "picklist_batches", "shipments", "shipping_providers"),
        "returns": ("returns", "return_reasons", "return_statuses"),
        "stock": ("products", "warehouses", "locations", "containers"),
        "history": ("stock_history", "location_stock_history"),
        "purchasing": ("suppliers", "purchaseorders", "receipts"),
        "fields": ("customerfields", "orderfields", "productfields"),
        "settings": ("pricelists", "vatgroups", "templates", "tags"),
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
            _resource("products", "idproduct", params={"inactive": "{each.inactive}"}),
            *(_resource(name, key) for name, key in WHOLE.items()),
            *(_resource(name, key, incremental=incremental) for name, (key, incremental) in WINDOWED.items()),
            _resource("picklists", "idpicklist", params={"status": "{each.status}"}, incremental=UPDATED),
            _resource("picklist_batches", "idpicklist_batch", path="/picklists/batches", incremental=UPDATED_AT),
            _resource("stock_history", "idproduct_stock_history", path="/stockhistory", incremental=HISTORY),
            _resource(
                "location_stock_history",
                "idproduct_location_stock_history",
                path="/location-stock-history",
                incremental=HISTORY,
            ),
            _resource("fulfilment_customers", "idfulfilment_customer", path="/fulfilment/customers"),
            {"name": "shipping_providers", "endpoint": {"path": "/shippingproviders", "paginator": "single_page"}},
            {
                "name": "product_parts",
                "primary_key": "idproduct_part",
                "include_from_parent": ["idproduct"],
                "endpoint": {
                    "path": "/products/{resources.products.idproduct}/parts",
                    "paginator": "single_page",
                    "response_actions": [{"status_code": 404, "action": "ignore"}],
                },
            },
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
