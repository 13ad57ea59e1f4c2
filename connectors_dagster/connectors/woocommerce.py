"""woocommerce: a shop on WordPress, REST API wc/v3 of WooCommerce 5.8 or newer, with pretty permalinks.

Sources: github.com/woocommerce/woocommerce-rest-api-docs (source/includes/wp-api-v3) and the plugin's REST controllers
in github.com/woocommerce/woocommerce, read 2026-11-22.

orders, products and coupons are filtered by the API on `date_modified_gmt`: `modified_after` and `modified_before` are
both exclusive, have a resolution of one second, and mean GMT because `dates_are_gmt` is sent. No other list has these
parameters. refunds and order_notes are read with the orders of a window: a refund changes the modification date of its
order. A variation can change without its product, so product_variations are read whole. Customers, reviews, terms,
taxes, zones and settings cannot be filtered by modification time and are read whole: customers of all roles, reviews of
all states.

Pages follow the Link header, are sorted by ascending id, and are checked against `X-WP-Total`. Nine endpoints have
no pages and take no such parameters. Rows of children contain the id of their parent only in a link, so it is taken
from the parent. If the parent was deleted in the meantime, the API returns 404, which means no rows. If `refunds` or
`variations` of the parent is empty, no request is made. Firewalls in front of shops block the names of HTTP libraries,
hence the User-Agent. A shop behind a proxy may treat its own URL as http and link to http, which is refused as another
origin: its site address must be https.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlt.sources.rest_api.typing import EndpointResource, IncrementalConfig

from connectors_dagster import Connector, Cursor, ResourceOptions, Secret, Setting, TimestampFormat

BY_ID = {"per_page": 100, "order": "asc", "orderby": "id"}
PAGES: Mapping[str, Any] = {"params": BY_ID}
ONE_PAGE: Mapping[str, Any] = {"paginator": "single_page"}
MODIFIED: IncrementalConfig = {
    "cursor_path": "date_modified_gmt",
    "start_param": "modified_after",
    "end_param": "modified_before",
}
GMT = Cursor(timestamp_format=TimestampFormat(format="%Y-%m-%dT%H:%M:%S"), lower="exclusive")
WINDOWED = ("orders", "products", "coupons")
PAGED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "customers": ("/customers", {"role": "all"}),
    "product_categories": ("/products/categories", {}),
    "product_reviews": ("/products/reviews", {"status": "all"}),
    "product_shipping_classes": ("/products/shipping_classes", {}),
    "product_tags": ("/products/tags", {}),
    "tax_rates": ("/taxes", {}),
}
UNPAGED: Mapping[str, tuple[str, str]] = {
    "product_attributes": ("/products/attributes", "id"),
    "shipping_methods": ("/shipping_methods", "id"),
    "shipping_zones": ("/shipping/zones", "id"),
    "system_status_tools": ("/system_status/tools", "id"),
    "tax_classes": ("/taxes/classes", "slug"),
}
CHILDREN: Mapping[str, tuple[str, str, list[str], Mapping[str, Any]]] = {
    "order_notes": ("orders", "/orders/{}/notes", ["id"], ONE_PAGE),
    "refunds": ("orders", "/orders/{}/refunds", ["id"], PAGES),
    "product_variations": ("products", "/products/{}/variations", ["id"], PAGES),
    "product_attribute_terms": ("product_attributes", "/products/attributes/{}/terms", ["id"], PAGES),
    "shipping_zone_locations": (
        "shipping_zones",
        "/shipping/zones/{}/locations",
        ["_shipping_zones_id", "type", "code"],
        ONE_PAGE,
    ),
    "shipping_zone_methods": ("shipping_zones", "/shipping/zones/{}/methods", ["instance_id"], ONE_PAGE),
}
# `settings` is not requested: payment providers keep their secret keys in it.
GATEWAY_FIELDS = "id,title,description,order,enabled,method_title,method_description,method_supports"


def _resource(name: str, path: str, key: str | list[str] = "id", **endpoint: Any) -> EndpointResource:
    return {"name": name, "primary_key": key, "endpoint": {"path": path, **endpoint}}  # type: ignore[typeddict-item]


def _child(name: str, parent: str, path: str, key: list[str], paging: Mapping[str, Any]) -> EndpointResource:
    vanished = {"status_code": 404, "action": "ignore"}
    resource = _resource(name, path.format(f"{{resources.{parent}.id}}"), key, **paging, response_actions=[vanished])
    return {**resource, "include_from_parent": ["id"]}


connector = Connector(
    name="woocommerce",
    description="WooCommerce shop: orders, products, customers, taxes and shipping",
    enabled=False,
    schema=Path(__file__).with_suffix(".schema.yaml"),
    total_header="X-WP-Total",
    accept_fewer=True,  # plug-ins filter rows after WordPress has counted them
    credentials_help=(
        "In WordPress, WooCommerce › Settings › Advanced › REST API › Add key: choose the permission Read and a user "
        "who is a shop manager, not an administrator. The consumer key and secret are shown only once."
    ),
    resources={
        "orders": ResourceOptions(
            cursor=GMT,
            known_limitations="An order that is moved to the trash or deleted keeps the last row that was read.",
        ),
        "refunds": ResourceOptions(has_children_field="refunds"),
        "order_notes": ResourceOptions(
            known_limitations="A note added without a change to its order is loaded when the order next changes, or "
            "when its window is read in full. One request per order."
        ),
        "products": ResourceOptions(
            cursor=GMT,
            separate_children=True,
            known_limitations="Trashed and deleted products are kept, as for orders. Stock, sales and ratings may "
            "change without a new modification date: read windows in full if they matter.",
        ),
        "product_variations": ResourceOptions(
            has_children_field="variations",
            known_limitations="Every load makes one request per product that has variations.",
        ),
        "coupons": ResourceOptions(
            cursor=GMT,
            known_limitations="Trashed and deleted coupons are kept, as for orders. Using a coupon may not change its "
            "modification date.",
        ),
        "product_reviews": ResourceOptions(
            missing_rows="mark",
            known_limitations="WordPress does not include spam and trash in `all` statuses: such a review is marked as "
            "missing.",
        ),
        "payment_gateways": ResourceOptions(
            known_limitations="Their `settings` are not requested: payment providers keep secret keys in them."
        ),
    },
    groups={
        "sales": ("orders", "customers", "coupons"),
        "products": ("products", "product_reviews"),
        "taxonomy": ("product_attributes", "product_categories", "product_tags"),
        "shipping": ("shipping_zones", "shipping_methods", "product_shipping_classes"),
        "settings": ("payment_gateways", "tax_rates", "tax_classes", "system_status_tools"),
    },
    config={
        "client": {
            "base_url": Setting("base_url"),
            "auth": {
                "type": "http_basic",
                "username": Secret("consumer_key"),
                "password": Secret("consumer_secret"),
            },
            "headers": {"User-Agent": "Mozilla/5.0 (compatible; connectors_dagster)"},
        },
        "resource_defaults": {"write_disposition": "merge", "endpoint": {"paginator": "header_link"}},
        "resources": [
            *(
                _resource(name, f"/{name}", params={**BY_ID, "dates_are_gmt": "true"}, incremental=MODIFIED)
                for name in WINDOWED
            ),
            *(_resource(name, path, params={**BY_ID, **params}) for name, (path, params) in PAGED.items()),
            *(_resource(name, path, key, **ONE_PAGE) for name, (path, key) in UNPAGED.items()),
            _resource("payment_gateways", "/payment_gateways", params={"_fields": GATEWAY_FIELDS}, **ONE_PAGE),
            *(_child(name, *child) for name, child in CHILDREN.items()),
        ],
    },
)
