"""PyAirbyte: the same manifest, run in its own process, into its DuckDB cache."""

import airbyte
from airbyte.caches import DuckDBCache

from benchmarks.peers.airbyte_manifest import STREAM, build_manifest
from benchmarks.peers.answer import DATABASE, IDS, answer, arguments


def main() -> None:
    """Load all orders."""
    manifest = build_manifest(*arguments())
    source = airbyte.get_source("source-storefront", config={}, source_manifest=manifest, streams=[STREAM])
    cache = DuckDBCache(db_path=DATABASE, schema_name="storefront")
    source.read(cache=cache)
    # DuckDB locks the file while the cache has it open.
    with cache.get_sql_engine().connect() as connection:
        answer(connection.exec_driver_sql(f"{IDS} storefront.orders").one())


if __name__ == "__main__":
    main()
