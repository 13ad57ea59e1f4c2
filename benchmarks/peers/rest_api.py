"""dlt's rest_api source with dlt's defaults, into DuckDB or Postgres."""

from typing import Any

import dlt
from dlt.sources.rest_api import rest_api_source

from benchmarks.peers.answer import DATABASE, answer_table, arguments, chosen_shape, postgres
from benchmarks.shapes import CURSOR, KEY, Shape
from benchmarks.task import PASSWORD, SORTED, USER, bounds


def main() -> None:
    """Load all rows."""
    (address, _), shape, url = arguments(), chosen_shape(), postgres()
    pipeline = dlt.pipeline(
        "orders",
        destination=dlt.destinations.postgres(url) if url else dlt.destinations.duckdb(str(DATABASE)),
        dataset_name="storefront",
        pipelines_dir="pipelines",
    )
    pipeline.run(build_source(address, shape))
    answer_table(f"storefront.{shape.table}")


def build_source(address: str, shape: Shape) -> Any:
    """Build the source; dlt has a cursor if the API has no filter, or if rows are loaded already."""
    paginator = {"type": "offset", "limit": shape.page, "limit_param": "per_page", "total_path": None}
    since = {"start_param": "modified_after", "initial_value": bounds()["modified_after"]} if shape.again else {}
    cursor = {"incremental": {"cursor_path": CURSOR, **since}}
    rows = {
        "name": shape.resource,
        "endpoint": {
            "path": shape.resource,
            "params": {**SORTED, **shape.bounds()},
            "paginator": paginator,
            **(cursor if shape.windowed and not shape.bounds() else {}),
        },
    }
    child = {
        "name": shape.child,
        "include_from_parent": [KEY],
        "endpoint": {
            "path": f"{shape.resource}/{{resources.{shape.resource}.{KEY}}}/{shape.child}",
            "paginator": "single_page",
        },
    }
    return rest_api_source(
        {
            "client": {
                "base_url": f"{address}/",
                "auth": {"type": "http_basic", "username": USER, "password": PASSWORD},
            },
            "resource_defaults": {
                "primary_key": KEY,
                "write_disposition": "merge",
                "endpoint": {"data_selector": "data"},
            },
            "resources": [rows, child] if shape.child else [rows],
        }
    )


if __name__ == "__main__":
    main()
