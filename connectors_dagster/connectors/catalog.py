"""catalog: product data of a shop, modelled on no particular API.

The API has no time filter, so its one resource is loaded whole. The key is sent in the query string.
"""

from pathlib import Path

from connectors_dagster import Connector, Secret, Setting

connector = Connector(
    name="catalog",
    description="Product data of a shop",
    schema=Path(__file__).with_suffix(".schema.yaml"),
    config={
        "client": {
            "base_url": Setting("base_url"),
            "auth": {"type": "api_key", "name": "api_key", "api_key": Secret("api_key"), "location": "query"},
        },
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
        "resources": [
            {
                "name": "ecommerce_data",
                "endpoint": {
                    "path": "/v1/resource",
                    "data_selector": "data",
                    "paginator": {"type": "offset", "limit": 100, "total_path": None},
                },
            }
        ],
    },
)
