"""What requests take at least: ``python -m benchmarks.alone.reading``.

Several clients request the pages of all windows and drop their rows. They are compared with the floor, which also
loads the rows, in the same rounds. The server responds after 0 and after 50 ms.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import count
from statistics import median
from typing import Any

from benchmarks.contest import Trial, run_trial
from benchmarks.entrants import ENTRANTS
from benchmarks.peers.answer import say, timed
from benchmarks.peers.settings import storefront_settings
from benchmarks.script import RunError, run_script
from benchmarks.server import serving
from benchmarks.task import PAGE, START, WINDOWS, bounds

ROWS, ROUNDS = 100_000, 3
CONNECTIONS = {0: (1, 4), 50: (16, 16)}
"""Those of the floor, then those of the clients, by latency."""
Rows = Iterator[Sequence[Any]]
Pages = Callable[[Mapping[str, str]], Rows]


def main() -> None:
    """Time the floor and all clients in turn and print the medians of their ratios."""
    [floor] = (entrant for entrant in ENTRANTS if entrant.name == "floor")
    with serving(ROWS) as address:
        for latency, (of_floor, of_clients) in CONNECTIONS.items():
            ratios: dict[str, list[float]] = {}
            for _ in range(ROUNDS):
                trial = Trial(entrant=floor, connections=of_floor, latency=latency, rows=ROWS)
                least = run_trial(trial, address=address).seconds
                for name in CLIENTS:
                    command = ["benchmarks.alone.reading", f"{address}/{latency}", f"{of_clients}", name]
                    printed, _ = run_script(name, sys.executable, command)
                    if printed["rows"] != ROWS:
                        raise RunError(f"{name}: read {printed['rows']:,.0f} rows, not {ROWS:,}")
                    ratios.setdefault(f"{name}, times the floor, {latency} ms", []).append(printed["seconds"] / least)
            say({name: median(found) for name, found in ratios.items()})


def windows() -> Iterator[Mapping[str, str]]:
    """Yield the parameters of all windows."""
    step = timedelta(days=30)
    yield from (bounds(START + number * step, START + (number + 1) * step) for number in range(WINDOWS))


def with_urllib3(address: str) -> Pages:
    """Request pages as the floor does."""
    import urllib3

    from benchmarks.peers.floor import PAGES

    def pages(window: Mapping[str, str]) -> Rows:
        pool = urllib3.PoolManager()
        for offset in count(0, PAGE):
            fields = {**window, "offset": str(offset), "per_page": str(PAGE)}
            yield PAGES.decode(pool.request("GET", f"{address}/orders", fields=fields).data)["data"]

    return pages


def with_dlt(address: str) -> Pages:
    """Request pages with dlt's client, as `rest_api` does."""
    from dlt.sources.helpers.rest_client import RESTClient
    from dlt.sources.helpers.rest_client.paginators import OffsetPaginator

    def pages(window: Mapping[str, str]) -> Rows:
        paginator = OffsetPaginator(limit=PAGE, limit_param="per_page", total_path=None)
        client = RESTClient(base_url=address, data_selector="data")
        yield from client.paginate("/orders", params=dict(window), paginator=paginator)

    return pages


def windows_with(pages: Pages, connections: int) -> int:
    """Read all windows with one of these clients; returns the number of rows."""

    def rows_of(window: Mapping[str, str]) -> int:
        rows = 0
        for page in pages(window):
            rows += len(page)
            if len(page) < PAGE:
                break
        return rows

    with ThreadPoolExecutor(connections) as pool:
        return sum(pool.map(rows_of, windows()))


def with_ours(address: str, connections: int) -> Callable[[], int]:
    """Prepare this project to read all windows, with all checks of pages and rows."""
    os.environ |= storefront_settings(address, connections)
    from benchmarks.peers.step import build_order
    from connectors_dagster.read.connection import connect
    from connectors_dagster.read.reader import ResourceReader

    order = build_order()
    [resource] = order.resources
    reader = ResourceReader(resource=resource, slices=order.slices, connection=connect(resource.connector))
    return lambda: sum(len(rows) for rows, _ in reader.pages())


CLIENTS: Mapping[str, Callable[[str, int], Callable[[], int]]] = {
    "urllib3": lambda address, connections: partial(windows_with, with_urllib3(address), connections),
    "dlt": lambda address, connections: partial(windows_with, with_dlt(address), connections),
    "ours": with_ours,
}
"""Clients, which import what they need before they are timed."""

if __name__ == "__main__":
    if sys.argv[1:]:
        read = CLIENTS[sys.argv[3]](sys.argv[1], int(sys.argv[2]))
        with timed() as part:
            rows = read()
        say({"rows": rows, **part})
    else:
        main()
