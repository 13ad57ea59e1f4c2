"""The cost of refreshing the open window when few orders have changed, in a large and a very large table."""

import os
from dataclasses import replace

import duckdb

from benchmarks.peers.answer import DATABASE, arguments, say, timed
from benchmarks.peers.settings import storefront_settings
from benchmarks.peers.step import build_order
from benchmarks.task import last_change
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest

CHANGED = 50
TIMES = 50
GROW = """
    INSERT INTO storefront.orders (id, date_modified_gmt, _dlt_load_id)
    SELECT id + copy * (SELECT max(id) FROM storefront.orders), date_modified_gmt, _dlt_load_id
    FROM storefront.orders, range(1, ?) AS copies (copy)
"""


def main() -> None:
    """Load everything, refresh, grow the table, refresh again; all in one warm process."""
    os.environ.update(storefront_settings(*arguments()))
    everything = build_order()
    rows, _, _ = load(everything)
    newest = replace(everything.slices[-1], since=last_change(rows - CHANGED, rows))
    refresh = LoadRequest(now=everything.now, resources=everything.resources, slices=[newest])
    figures: dict[str, float] = {}
    for size in (rows, rows * TIMES):
        grow(size // rows)
        changed, requests, seconds = load(refresh)
        assert changed == CHANGED
        figures[f"seconds to refresh the open window, {CHANGED} of {size:,} orders changed"] = seconds
        figures[f"requests for that refresh, {size:,} orders"] = requests
    say(figures)


def load(order: LoadRequest) -> tuple[int, int, float]:
    """Load and return rows, requests and seconds."""
    with timed() as part, loading(order) as loaded:
        outcome = loaded.outcomes["orders"]
    if outcome.error:
        raise outcome.error
    stats_by_slice = outcome.stats_by_slice.values()
    return sum(stats.rows for stats in stats_by_slice), sum(stats.requests for stats in stats_by_slice), part["seconds"]


def grow(times: int) -> None:
    """Add orders that have only a key and a cursor."""
    with duckdb.connect(str(DATABASE)) as connection:
        connection.execute(GROW, [times])


if __name__ == "__main__":
    main()
