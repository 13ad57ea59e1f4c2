"""dlt's rest_api source with dlt's defaults, into DuckDB."""

from typing import Any

import dlt
from dlt.sources.rest_api import rest_api_source

from benchmarks.peers.answer import DATABASE, answer_table, arguments
from benchmarks.task import PAGE, PASSWORD, SORTED, USER, bounds


def main() -> None:
    """Load all orders."""
    address, _ = arguments()
    pipeline = dlt.pipeline(
        "orders",
        destination=dlt.destinations.duckdb(str(DATABASE)),
        dataset_name="storefront",
        pipelines_dir="pipelines",
    )
    pipeline.run(build_source(address))
    answer_table("storefront.orders")


def build_source(address: str) -> Any:
    """Build the source."""
    paginator = {"type": "offset", "limit": PAGE, "limit_param": "per_page", "total_path": None}
    orders = {
        "name": "orders",
        "primary_key": "id",
        "write_disposition": "merge",
        "endpoint": {
            "path": "orders",
            "params": {**SORTED, **bounds()},
            "data_selector": "data",
            "paginator": paginator,
        },
    }
    auth = {"type": "http_basic", "username": USER, "password": PASSWORD}
    return rest_api_source({"client": {"base_url": f"{address}/", "auth": auth}, "resources": [orders]})


if __name__ == "__main__":
    main()
