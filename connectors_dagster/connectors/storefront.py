"""storefront: a web shop.

Modelled on WooCommerce wc/v3 (github.com/woocommerce/woocommerce-rest-api-docs, read 2026-11-21).

customers has no time filter and is loaded whole. coupons and orders are filtered by the API on
`date_modified_gmt`: `modified_after` and `modified_before` are both exclusive, have a resolution of one second, and are
compared with the GMT column because `dates_are_gmt` is sent. Pages are sorted by ascending id, so a row that is added
while pages are read is on the last page. A header on every page gives the total number of rows.
"""

from pathlib import Path

from dlt.sources.rest_api.typing import IncrementalConfig

from connectors_dagster import Connector, Cursor, ResourceOptions, Secret, Setting, TimestampFormat

MODIFIED: IncrementalConfig = {
    "cursor_path": "date_modified_gmt",
    "start_param": "modified_after",
    "end_param": "modified_before",
}
GMT = Cursor(timestamp_format=TimestampFormat(format="%Y-%m-%dT%H:%M:%S"), lower="exclusive")

connector = Connector(
    name="storefront",
    description="Web shop: customers, coupons and orders",
    schema=Path(__file__).with_suffix(".schema.yaml"),
    resources={
        "coupons": ResourceOptions(cursor=GMT),
        "orders": ResourceOptions(cursor=GMT, children={"line_items": "order_lines"}),
    },
    total_header="X-WP-Total",
    config={
        "client": {
            "base_url": Setting("base_url"),
            "auth": {"type": "http_basic", "username": Secret("api_key"), "password": Secret("api_secret")},
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {
                "data_selector": "data",
                "params": {"order": "asc", "orderby": "id", "dates_are_gmt": "true"},
                "paginator": {
                    "type": "offset",
                    "total_path": None,
                    "limit": 100,
                    "offset_param": "offset",
                    "limit_param": "per_page",
                },
            },
        },
        "resources": [
            {"name": "customers", "endpoint": {"path": "/customers"}},
            {"name": "coupons", "endpoint": {"path": "/coupons", "incremental": MODIFIED}},
            {"name": "orders", "endpoint": {"path": "/orders", "incremental": MODIFIED}},
        ],
    },
)
