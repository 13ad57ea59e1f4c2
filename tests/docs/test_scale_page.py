"""The tables of docs/scale.md are those of the model, and the model agrees with what was measured and simulated."""

import heapq
import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import scale
from benchmarks.scale import COSTS, Api, first_load, markdown, refresh, refreshes, sizes
from connectors_dagster.orchestration.window_runs import WINDOWS_PER_LOAD, WINDOWS_PER_RUN

DOCS = Path(__file__).parents[2] / "docs"
MEASURED = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
STEP = replace(COSTS, run=0.0)
"""The costs of a step that is measured without the start of its process."""


def test_the_tables_of_the_page_are_those_of_the_model():
    page = (DOCS / "scale.md").read_text(encoding="utf-8")
    for table in (markdown(sizes()), markdown(refreshes())):
        assert table in page, "write the output of `python -m benchmarks.scale` into docs/scale.md"


def test_the_model_divides_windows_as_runs_do():
    assert (scale.WINDOWS_PER_LOAD, scale.WINDOWS_PER_RUN) == (WINDOWS_PER_LOAD, WINDOWS_PER_RUN)


def step_at(milliseconds: int, connections: int) -> float:
    """The measured seconds of the step that loads 100,000 orders."""
    section = re.search(
        rf"## Response time of the server: {milliseconds} ms\n(.*?)\n## ", MEASURED + "\n## ", re.DOTALL
    )
    assert section
    row = re.search(rf"^\| ours, the step alone \| {connections} \| \d+ \| ([\d.]+) ", section[1], re.MULTILINE)
    assert row
    return float(row[1])


@pytest.mark.parametrize(("milliseconds", "connections"), [(0, 4), (0, 16), (50, 4), (50, 16)])
def test_the_model_predicts_the_benchmarks_within_a_quarter(milliseconds, connections):
    api = Api(rows=100_000, latency=milliseconds / 1000, workers=connections)
    assert first_load(api, STEP).seconds == pytest.approx(step_at(milliseconds, connections), rel=0.25)


def test_the_model_predicts_a_million_rows_and_a_refresh_within_a_quarter():
    def measured(name: str) -> float:
        row = re.search(rf"^\| {name} \| ([\d.]+) \|$", MEASURED, re.MULTILINE)
        assert row
        return float(row[1])

    million = first_load(Api(rows=1_000_000, latency=0.0, workers=16), STEP)
    assert million.seconds == pytest.approx(measured("seconds of the step, 1,000,000 orders"), rel=0.25)
    few = refresh(Api(rows=0, latency=0.0), STEP, changed=50)
    name = "seconds to refresh the open window, 50 of 100,000 orders changed"
    assert few.seconds == pytest.approx(measured(name), rel=0.25)


def simulated(api: Api) -> float:
    """Play every request: a worker reads the pages of a window one after another, then takes the next window."""
    pages = -(-api.rows // api.windows // api.page)
    windows, sent, end = api.windows, list[float](), 0.0
    workers = [(0.0, 0)] * api.workers  # when a worker is free, and the pages that its window still has
    while workers:
        at, left = heapq.heappop(workers)
        if not left:
            if not windows:
                continue
            windows, left = windows - 1, pages
        if api.per_minute and len(sent) >= api.per_minute:
            at = max(at, sent[-api.per_minute] + 60)
        sent.append(at)
        end = max(end, at + api.latency)
        heapq.heappush(workers, (at + api.latency, left - 1))
    return end


@pytest.mark.parametrize(
    "api",
    [
        Api(rows=36_000, latency=0.3, workers=4),
        Api(rows=36_000, latency=0.3, workers=16),
        Api(rows=360_000, latency=0.1, workers=4),
        Api(rows=36_000, latency=0.3, workers=4, per_minute=60),
        Api(rows=36_000, latency=2.0, workers=4, per_minute=100),
    ],
)
def test_the_model_agrees_with_a_simulation_of_every_request_within_a_quarter(api):
    free = replace(COSTS, run=0.0, load=0.0, window=0.0, request=0.0, read_row=0.0, append_row=0.0)
    assert first_load(api, free).seconds == pytest.approx(simulated(api), rel=0.25)
