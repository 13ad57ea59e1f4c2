"""A model of how long loads take: ``python -m benchmarks.scale`` prints the tables of docs/scale.md."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from connectors_dagster.orchestration.window_runs import WINDOWS_PER_LOAD, WINDOWS_PER_RUN

HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a load costs on one processor, in seconds; measured by ``python -m benchmarks.alone.scale``.

    Args:
        run: to start the process of a run, until the first request.
        load: of one load into the destination, however few rows it has.
        window: of one window, or list of pages, however few rows it has.
        request: of one request, besides the wait for its response.
        read_row: to read a row, convert it and write it to a file.
        append_row: to load a row whose key is new.
        merge_row: to load a row that takes the place of another.
    """

    run: float
    load: float
    window: float
    request: float
    read_row: float
    append_row: float
    merge_row: float


@dataclass(frozen=True, kw_only=True)
class Api:
    """One list of an API and how it is read.

    Args:
        rows: on the list.
        windows: into which it is divided.
        page: rows of a page.
        latency: seconds until a response.
        workers: concurrent requests.
        per_minute: maximum requests in a minute; None for no limit.
    """

    rows: int
    windows: int = 36
    page: int = 100
    latency: float = 0.3
    workers: int = 4
    per_minute: int | None = None


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Seconds of a load by what limits them: reading takes as long as its slowest part, and loading follows."""

    requests: int
    loads: int
    waiting: float
    limited: float
    reading: float
    loading: float
    starting: float

    @property
    def seconds(self) -> float:
        """From the start of the first run to the end of the last, one after another."""
        return self.starting + max(self.waiting, self.limited, self.reading) + self.loading

    @property
    def bottleneck(self) -> str:
        """What takes longest."""
        parts = {
            "latency": self.waiting,
            "rate limit": self.limited,
            "processor": self.reading,
            "destination": self.loading,
            "starts": self.starting,
        }
        return max(parts, key=lambda name: parts[name])


def first_load(api: Api, costs: Costs) -> Prediction:
    """Predict the first load of all windows, into an empty table."""
    loads, runs = ceil(api.windows / WINDOWS_PER_LOAD), ceil(api.windows / WINDOWS_PER_RUN)
    return _predict(api, costs, rows=api.rows, lists=api.windows, loads=loads, runs=runs, row=costs.append_row)


def refresh(api: Api, costs: Costs, *, changed: int) -> Prediction:
    """Predict a refresh of the open window that finds so many changed rows."""
    return _predict(api, costs, rows=changed, lists=1, loads=1, runs=1, row=costs.merge_row)


def _predict(api: Api, costs: Costs, *, rows: int, lists: int, loads: int, runs: int, row: float) -> Prediction:
    requests = lists * max(1, ceil(rows / lists / api.page))
    at_once = min(api.workers, lists)  # the pages of a window follow one another
    return Prediction(
        requests=requests,
        loads=loads,
        waiting=(requests * (api.latency + costs.request) + lists * costs.window) / at_once,
        # The limit counts a sliding minute: after each of its fills, the next requests wait until the minute is over.
        limited=(ceil(requests / api.per_minute) - 1) * 60 if api.per_minute else 0.0,
        reading=requests * costs.request + lists * costs.window + rows * costs.read_row,
        loading=loads * costs.load + rows * row,
        starting=runs * costs.run,
    )


COSTS = Costs(
    run=4.4, load=0.4, window=0.005, request=0.0012, read_row=0.000034, append_row=0.000013, merge_row=0.000025
)
"""Of DuckDB and orders of 2 KB, as in docs/benchmarks.md; `benchmarks.alone.scale` divides them like this."""
SIZES = (10_000_000, 1_000_000_000, 100_000_000_000)
APIS = {
    "100 ms, 16 at once": Api(rows=0, latency=0.1, workers=16),
    "300 ms, 4 at once": Api(rows=0, latency=0.3, workers=4),
    "300 ms, 100 a minute": Api(rows=0, latency=0.3, workers=4, per_minute=100),
}


def sizes(costs: Costs = COSTS) -> Iterator[Sequence[str]]:
    """Yield the rows of the table of first loads."""
    yield "rows", "API", "requests", "first load", "bottleneck", "on one processor alone"
    for rows in SIZES:
        for name, api in APIS.items():
            found = first_load(replace(api, rows=rows), costs)
            alone = found.reading + found.loading
            yield f"{rows:,}", name, f"{found.requests:,}", duration(found.seconds), found.bottleneck, duration(alone)


def refreshes(costs: Costs = COSTS) -> Iterator[Sequence[str]]:
    """Yield the rows of the table of refreshes, and how many shops a machine refreshes in an hour."""
    yield "changed rows", "seconds", "of which start", "refreshes an hour on one processor"
    for changed in (0, 1_000, 100_000):
        found = refresh(APIS["300 ms, 4 at once"], costs, changed=changed)
        cpu = found.starting + found.reading + found.loading
        yield f"{changed:,}", f"{found.seconds:,.1f}", f"{found.starting:,.1f}", f"{HOUR / cpu:,.0f}"


def duration(seconds: float) -> str:
    """Return a duration in the unit that suits it."""
    for unit, size in (("years", 365 * 24 * HOUR), ("days", 24 * HOUR), ("hours", HOUR), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"


def markdown(rows: Iterator[Sequence[str]]) -> str:
    """Return a table; its first row has the heads."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * (lines[0].count("|") - 1), *lines[1:]])


if __name__ == "__main__":
    sys.stdout.write(f"{markdown(sizes())}\n\n{markdown(refreshes())}\n")
