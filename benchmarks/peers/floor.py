"""The minimum: fetch all pages, write their rows as they are to NDJSON, let DuckDB read the declared columns."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import msgspec
import urllib3
import yaml

from benchmarks.environment import ROOT
from benchmarks.peers.answer import DATABASE, answer_table, arguments, chosen_shape
from benchmarks.shapes import ORDERS, Shape

FILE = Path("rows.ndjson")
SCHEMA = ROOT / "connectors_dagster" / "connectors" / "storefront.schema.yaml"
PAGES = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])
TYPES = {
    "bigint": "BIGINT",
    "bool": "BOOLEAN",
    "decimal": "DECIMAL(38, 9)",
    "json": "JSON",
    "text": "VARCHAR",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}


def fetch(address: str, shape: Shape, offsets: Iterator[int], file: BinaryIO) -> None:
    """Fetch pages at offsets shared with other threads, until an offset is past the last row."""
    pool = urllib3.PoolManager()
    for offset in offsets:
        fields = {**shape.bounds(), "offset": str(offset), "per_page": str(shape.page)}
        rows = PAGES.decode(pool.request("GET", f"{address}/{shape.resource}", fields=fields).data)["data"]
        file.write(b"\n".join((*rows, b"")))
        if len(rows) < shape.page:
            return


def columns(shape: Shape) -> dict[str, str]:
    """Return the types of DuckDB that the columns of our table have, without the time to import a connector."""
    declared = shape.columns(shape.table)
    if shape == ORDERS:
        schema = yaml.load(SCHEMA.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        declared = schema["tables"][shape.table]["columns"]
    return {name: column_type(column) for name, column in declared.items()}


def column_type(column: Mapping[str, Any]) -> str:
    """Return the type of a declared column."""
    return "TIMESTAMP" if column.get("timezone") is False else TYPES[column["data_type"]]


def main() -> None:
    """Load all rows."""
    (address, connections), shape = arguments(), chosen_shape()
    offsets = count(0, shape.page)
    with FILE.open("wb") as file, ThreadPoolExecutor(connections) as pool:
        for thread in [pool.submit(fetch, address, shape, offsets, file) for _ in range(connections)]:
            thread.result()
    with duckdb.connect(str(DATABASE)) as connection:
        read = f"read_json('{FILE}', format = 'newline_delimited', columns = {columns(shape)})"
        connection.execute(f"CREATE TABLE {shape.table} AS SELECT * FROM {read}")
    answer_table(shape.table)


if __name__ == "__main__":
    main()
