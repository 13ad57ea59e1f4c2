"""shopify: a shop at Shopify, REST Admin API 2026-07.

Sources, read 2026-11-27: the REST resources of github.com/Shopify/shopify-api-ruby (4eca719d, version 2026_07) for
paths, parameters and fields; test/fixtures of github.com/Shopify/shopify_python_api (307fa92c); for types, the field
lists of PyPI's airbyte-source-shopify 4.3.0; shopify.dev/docs/api/admin-rest/usage; and
shopify.dev/docs/apps/build/graphql/migrate/new-product-model.

The REST API is legacy since 2024-10-01, but versions with it are still published, and a token of a shop's own app can
use it. It is chosen because its lists contain whole orders and products, with a filter on the last change; GraphQL
needs bulk operations for that. It does not return more than 100 variants of a product.

The next page is a link that carries only `page_info` and `limit`: with any other parameter the API answers 400. A
cursor names the last row of a page, so no row moves to another page (`pages_are_stable`). `updated_at_min` and
`updated_at_max` are both inclusive, to the second. Orders, drafts and checkouts are requested in all states, because
the API lists open ones by default. Orders older than 60 days are listed only if the app has the scope
`read_all_orders`.

Lines, refunds and fulfillments are lists in orders, variants and pictures are lists in products: no request is made for
them. Transactions are requested for each order of a window. Price rules are read whole, because the use of a code does
not change its rule; so are lists without a filter by time. Deleted rows are not listed: they are marked as missing in
tables that are loaded whole, and `events` has the verb `destroy` for some of the others.

The bucket holds 40 requests and loses 2 in a second, on larger plans more: set `requests_per_minute`. A full bucket, as
`X-Shopify-Shop-Api-Call-Limit` shows it, is waited for.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlt.sources.rest_api.typing import EndpointResource, IncrementalConfig

from connectors_dagster import Connector, Cursor, ResourceOptions, Retry, Secret, Setting, TimestampFormat

DATED = Cursor(bounds_format=TimestampFormat(format="%Y-%m-%dT%H:%M:%SZ"))
PAGES: Mapping[str, Any] = {"params": {"limit": 250}}
ONE_PAGE: Mapping[str, Any] = {"paginator": "single_page"}
WINDOWED: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "orders": ("/orders.json", "updated_at", {"status": "any"}),
    "products": ("/products.json", "updated_at", {}),
    "customers": ("/customers.json", "updated_at", {}),
    "draft_orders": ("/draft_orders.json", "updated_at", {"status": "{each.status}"}),
    "abandoned_checkouts": ("/checkouts.json", "updated_at", {"status": "{each.status}"}),
    "custom_collections": ("/custom_collections.json", "updated_at", {}),
    "smart_collections": ("/smart_collections.json", "updated_at", {}),
    "tender_transactions": ("/tender_transactions.json", "processed_at", {}),
    "events": ("/events.json", "created_at", {}),
}
"""Path, the field to filter by, and further parameters."""
WHOLE: Mapping[str, Mapping[str, Any]] = {
    "collects": PAGES,
    "price_rules": PAGES,
    "metafields": PAGES,
    "locations": ONE_PAGE,
    "countries": ONE_PAGE,
}
GONE = {"status_code": 404, "content": "Not Found", "action": "ignore"}
KEPT = "Deleted rows keep the last row that was read."
MARKED = "Each refresh reads the whole list. Deleted rows are marked as missing."


def _list(name: str, path: str, *, rows: str, key: str | list[str] = "id", **endpoint: Any) -> EndpointResource:
    return {"name": name, "primary_key": key, "endpoint": {"path": path, "data_selector": rows, **endpoint}}  # type: ignore[typeddict-item]


def _windowed(name: str, path: str, field: str, params: Mapping[str, str]) -> EndpointResource:
    incremental: IncrementalConfig = {
        "cursor_path": field,
        "start_param": f"{field}_min",
        "end_param": f"{field}_max",
    }
    rows = path.strip("/").removesuffix(".json")
    return _list(name, path, rows=rows, params={"limit": 250, **params}, incremental=incremental)


def _whole(known_limitations: str = MARKED) -> ResourceOptions:
    return ResourceOptions(missing_rows="mark", known_limitations=known_limitations)


connector = Connector(
    name="shopify",
    description="Shopify shop: orders, products, customers, discounts and stock",
    schema=Path(__file__).with_suffix(".schema.yaml"),
    enabled=False,
    requests_per_minute=120,
    rate_limit_header="X-Shopify-Shop-Api-Call-Limit",
    retry=Retry(attempts=5),
    pages_are_stable=True,
    credentials_help=(
        "In Shopify, Settings > Apps > Develop apps: create an app with the scopes read_orders, read_all_orders, "
        "read_products, read_customers, read_draft_orders, read_price_rules, read_inventory, read_locations and "
        "read_shipping, install it, and copy the Admin API access token, which is shown only once. `base_url` is "
        "`https://<shop>.myshopify.com/admin/api/2026-07`."
    ),
    excluded={
        "inventory_items": "The list requires the ids of items; `product_variants` has them, but not the cost.",
        "fulfillment_orders, order_risks": "One request per order; `fulfillments` has what was shipped.",
        "metafields of orders, products, customers and others": "One request per row; `metafields` has those of the "
        "shop.",
        "customer_addresses": "One request per customer; `addresses` of `customers` has the ten that changed last.",
        "gift_cards, users": "Only for Shopify Plus, and only if Shopify approves the app.",
        "payouts, balance, disputes": "Only for shops with Shopify Payments; `tender_transactions` has the money of "
        "all ways of payment.",
        "pages, blogs, articles, comments, redirects, themes, assets, script_tags": "Content of the web shop.",
        "webhooks, access_scopes, application_charges, storefront_access_tokens": "Settings of apps.",
        "collection_listings, product_listings": "For sales channels; they repeat `products` and collections.",
    },
    resources={
        "orders": ResourceOptions(
            cursor=DATED,
            children={"line_items": "order_line_items", "refunds": "refunds", "fulfillments": "fulfillments"},
            known_limitations=f"Without the scope `read_all_orders`, only orders of the last 60 days. {KEPT}",
        ),
        "transactions": ResourceOptions(
            known_limitations="One request per order that changed, at 2 requests per second "
            "on most plans; `SOURCES__SHOPIFY__RESOURCES=-transactions` leaves them out."
        ),
        "products": ResourceOptions(
            cursor=DATED,
            children={"variants": "product_variants", "images": "product_images"},
            known_limitations=f"Not more than 100 variants of a product, which is a limit of the REST API. {KEPT}",
        ),
        "customers": ResourceOptions(cursor=DATED, known_limitations=KEPT),
        "draft_orders": ResourceOptions(
            cursor=DATED,
            for_each={"status": ["open", "invoice_sent", "completed"]},
            known_limitations=f"Shopify deletes drafts that did not change for a year. {KEPT}",
        ),
        "abandoned_checkouts": ResourceOptions(cursor=DATED, for_each={"status": ["open", "closed"]}),
        "custom_collections": ResourceOptions(cursor=DATED, known_limitations=KEPT),
        "smart_collections": ResourceOptions(cursor=DATED, known_limitations=KEPT),
        "tender_transactions": ResourceOptions(cursor=DATED),
        "events": ResourceOptions(cursor=DATED, known_limitations="Shopify does not record an event for every change."),
        "collects": _whole(f"{MARKED} Only of custom collections."),
        "price_rules": _whole(),
        "metafields": _whole(),
        "countries": _whole(),
        "locations": _whole(f"{MARKED} Read whole, because stock is read for each location."),
        "discount_codes": ResourceOptions(known_limitations="Each refresh makes one request per price rule."),
        "inventory_levels": ResourceOptions(known_limitations="Each refresh reads the stock of every location."),
    },
    groups={
        "orders": ("orders",),
        "products": ("products",),
        "sales": ("customers", "draft_orders", "abandoned_checkouts", "tender_transactions"),
        "collections": ("custom_collections", "smart_collections", "collects"),
        "discounts": ("price_rules",),
        "inventory": ("locations",),
    },
    config={
        "client": {
            "base_url": Setting("base_url"),
            "auth": {
                "type": "api_key",
                "name": "X-Shopify-Access-Token",
                "api_key": Secret("access_token"),
                "location": "header",
            },
        },
        "resource_defaults": {"write_disposition": "merge", "endpoint": {"paginator": "header_link"}},
        "resources": [
            *(_windowed(name, *list_) for name, list_ in WINDOWED.items()),
            *(_list(name, f"/{name}.json", rows=name, **paging) for name, paging in WHOLE.items()),
            _list("shop", "/shop.json", rows="shop", **ONE_PAGE),
            {
                **_list(
                    "transactions",
                    "/orders/{resources.orders.id}/transactions.json",
                    rows="transactions",
                    response_actions=[GONE],
                    **ONE_PAGE,
                ),
                "include_from_parent": ["id"],
            },
            {
                **_list(
                    "discount_codes",
                    "/price_rules/{resources.price_rules.id}/discount_codes.json",
                    rows="discount_codes",
                    response_actions=[GONE],
                    **PAGES,
                ),
                "include_from_parent": ["id"],
            },
            {
                **_list(
                    "inventory_levels",
                    "/inventory_levels.json",
                    rows="inventory_levels",
                    key=["inventory_item_id", "location_id"],
                    params={"limit": 250, "location_ids": "{resources.locations.id}"},
                ),
                "include_from_parent": ["id"],
            },
        ],
    },
)
