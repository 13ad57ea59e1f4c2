"""The load step of this project: API to merged table over all windows, in a process without Dagster."""

import os
from dataclasses import replace

from benchmarks.peers.answer import answer_table, arguments, timed
from benchmarks.peers.settings import storefront_settings
from benchmarks.task import END, START, STEP
from connectors_dagster import load_connectors
from connectors_dagster.load.pipeline import load_in_turn
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.orchestration.window_runs import loads
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.windows import Slice, WindowGrid


def main() -> None:
    """Load all orders as a run does, timed from the first request to the merged table."""
    os.environ.update(storefront_settings(*arguments()))
    order = build_order()
    parts = loads(order.resources[0], order.slices)
    with timed() as part:
        for load in load_in_turn([replace(order, slices=slices) for slices in parts]):
            if errors := [error for outcome in load.outcomes.values() for error in outcome.errors]:
                raise errors[0]
    answer_table("storefront.orders", part=part)


def build_order() -> LoadRequest:
    """Build a request to load all windows together."""
    connector = load_connectors()["storefront"]
    now = END + connector.lookback
    return LoadRequest(now=now, resources=[connector.graph["orders"]], slices=slices_of(connector))


def slices_of(connector: Connector) -> list[Slice]:
    """Return all windows, to be read as soon as the last one is settled."""
    grid = WindowGrid(STEP, START.date().isoformat())
    windows = [window for window in grid.opened(END) if window.start < END]
    return grid.slices(windows, now=END + connector.lookback, lookback=connector.lookback)


if __name__ == "__main__":
    main()
