"""fulfillment: a warehouse. Modelled on the Picqer API v1 (picqer.com/en/api, read 2026-11-21).

The API cannot filter by time. customers and products are loaded whole: a customer has no modification time.
orders are filtered after reading by `updated`, which is in the account's local time without a time zone. It is read as
UTC. West of Greenwich, a change looks up to 12 hours older than it is, so windows stay open for that long.
"""

from datetime import timedelta
from pathlib import Path

from connectors_dagster import Connector, Cursor, ResourceOptions, Retry, Secret, Setting, TimestampFormat

connector = Connector(
    name="fulfillment",
    description="Warehouse: customers, products and orders to ship",
    schema=Path(__file__).with_suffix(".schema.yaml"),
    retry=Retry(statuses=frozenset({429})),
    lookback=timedelta(hours=12),
    resources={"orders": ResourceOptions(cursor=Cursor(timestamp_format=TimestampFormat(format="%Y-%m-%d %H:%M:%S")))},
    config={
        "client": {
            "base_url": Setting("base_url"),
            "auth": {"type": "http_basic", "username": Secret("username"), "password": Secret("password")},
        },
        "resource_defaults": {
            "write_disposition": "merge",
            "endpoint": {
                "data_selector": "data",
                "paginator": {"type": "offset", "limit": 10, "offset_param": "offset", "total_path": None},
            },
        },
        "resources": [
            {"name": "customers", "primary_key": "idcustomer", "endpoint": {"path": "/customers"}},
            {"name": "products", "primary_key": "idproduct", "endpoint": {"path": "/products"}},
            {
                "name": "orders",
                "primary_key": "idorder",
                "endpoint": {"path": "/orders", "incremental": {"cursor_path": "updated"}},
            },
        ],
    },
)
