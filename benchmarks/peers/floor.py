"""The minimum: fetch all pages, write NDJSON, let DuckDB read it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import BinaryIO

import duckdb
import orjson
import requests

from benchmarks.peers.answer import DATABASE, answer_table, arguments
from benchmarks.task import PAGE, bounds

FILE = Path("orders.ndjson")


def fetch(address: str, offsets: Iterator[int], file: BinaryIO) -> None:
    """Fetch pages at offsets shared with other threads, until an offset is past the last row."""
    with requests.Session() as session:
        for offset in offsets:
            params = {**bounds(), "offset": offset, "per_page": PAGE}
            rows = orjson.loads(session.get(f"{address}/orders", params=params).content)["data"]
            file.write(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
            if len(rows) < PAGE:
                return


def main() -> None:
    """Load all orders."""
    address, connections = arguments()
    offsets = count(0, PAGE)
    with FILE.open("wb") as file, ThreadPoolExecutor(connections) as pool:
        for thread in [pool.submit(fetch, address, offsets, file) for _ in range(connections)]:
            thread.result()
    with duckdb.connect(str(DATABASE)) as connection:
        connection.execute(f"CREATE TABLE orders AS SELECT * FROM read_json('{FILE}', format = 'newline_delimited')")
    answer_table("orders")


if __name__ == "__main__":
    main()
