"""dlt's rest_api source with dlt's defaults, into DuckDB: over one range, or a run per window."""

import sys
from datetime import datetime
from typing import Any

import dlt
from dlt.sources.rest_api import rest_api_source

from benchmarks.peers.answer import DATABASE, answer_table, arguments
from benchmarks.task import END, PAGE, PASSWORD, SETTLED, START, USER, bounds, windows


def main(pieces: list[tuple[datetime, datetime]]) -> None:
    """Load all orders, piece by piece."""
    address, _ = arguments()
    pipeline = dlt.pipeline(
        "orders",
        destination=dlt.destinations.duckdb(str(DATABASE)),
        dataset_name="storefront",
        pipelines_dir="pipelines",
    )
    for start, end in pieces:
        pipeline.run(build_source(address, bounds(start, end)))
    answer_table("storefront.orders")


def build_source(address: str, params: dict[str, str]) -> Any:
    """Build the source for one piece."""
    paginator = {"type": "offset", "limit": PAGE, "limit_param": "per_page", "total_path": None}
    orders = {
        "name": "orders",
        "primary_key": "id",
        "write_disposition": "merge",
        "endpoint": {
            "path": "orders",
            "params": {**SETTLED, **params},
            "data_selector": "data",
            "paginator": paginator,
        },
    }
    auth = {"type": "http_basic", "username": USER, "password": PASSWORD}
    return rest_api_source({"client": {"base_url": f"{address}/", "auth": auth}, "resources": [orders]})


if __name__ == "__main__":
    main(windows() if sys.argv[3:] == ["windows"] else [(START, END)])
