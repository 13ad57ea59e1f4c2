"""PyAirbyte: the same manifest, run in its own process, into its DuckDB cache."""

import airbyte
from airbyte.caches import DuckDBCache

from benchmarks.peers.airbyte_manifest import build_manifest
from benchmarks.peers.answer import DATABASE, IDS, answer, arguments, chosen_shape


def main() -> None:
    """Load all rows."""
    shape = chosen_shape()
    manifest = build_manifest(*arguments(), shape)
    source = airbyte.get_source("source-storefront", config={}, source_manifest=manifest, streams=list(shape.tables))
    cache = DuckDBCache(db_path=DATABASE, schema_name="storefront")
    source.read(cache=cache)
    # DuckDB locks the file while the cache has it open.
    with cache.get_sql_engine().connect() as connection:
        answer(connection.exec_driver_sql(f"{IDS} storefront.{shape.table}").one())


if __name__ == "__main__":
    main()
