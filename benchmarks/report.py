"""The page people read: what was measured, where, and what came of it."""

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks.chart import draw
from benchmarks.entrants import ENTRANTS
from benchmarks.results import HEADS, Result, at, table
from benchmarks.task import WINDOWS

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
CHART = PAGE.with_suffix(".svg")
OWN = ("dagster", "dlt", "duckdb", "pyarrow", "orjson")
INTRODUCTION = """\
# Benchmarks

{rows:,} orders of 2 KB, nested as shops nest them, last changed over {windows} windows of 30 days, on pages of 100,
from a server on the same machine that sends bytes made beforehand. Everybody loads all of them into a DuckDB file, and
is asked afterwards which ids are there. All took turns, {runs} rounds, every time in a new process and an empty
folder.

`make bench` does all of this and writes this page. Measured on {day} with {cores} cores ({machine}), Python {python},
{own}. Peers, each with its own environment: {peers}.

![Seconds to load all orders](benchmarks.svg)
"""
EXPLANATION = """\
Seconds are medians by the clock. CPU seconds, and the most memory held at once, are those of all processes together;
memory that processes share is counted once. *× ours* compares with the faster of our whole processes in the same table,
*× floor* with the faster floor; both are medians of every round's ratio, for the machine's speed drifts between rounds.
"""


def write(results: Sequence[Result], figures: Mapping[str, float], *, rows: int, runs: int, today: date) -> None:
    """Write the page and its chart."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(results, figures, rows=rows, runs=runs, today=today), encoding="utf-8")
    CHART.write_text(draw(results), encoding="utf-8")


def page(results: Sequence[Result], figures: Mapping[str, float], *, rows: int, runs: int, today: date) -> str:
    """Build the page."""
    introduction = INTRODUCTION.format(
        rows=rows,
        windows=WINDOWS,
        runs=runs,
        day=today.isoformat(),
        cores=os.cpu_count(),
        machine=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        own=", ".join(f"{name} {version(name)}" for name in OWN),
        peers="; ".join(_peer_versions()),
    )
    tables = [
        f"## The server answers after {latency} ms\n\n{_markdown(at(results, latency), rows)}"
        for latency in dict.fromkeys(result.trial.latency for result in results)
    ]
    taking_part = dict.fromkeys(result.trial.entrant for result in results)
    who = "## Who\n\n" + "\n".join(f"- *{entrant.label}*: {entrant.about}." for entrant in taking_part) + "\n"
    alone = "## This project alone\n\n| | median |\n| --- | ---: |\n" + "".join(
        f"| {name} | {value:,.2f} |\n" for name, value in figures.items()
    )
    return "\n".join((introduction, *tables, EXPLANATION, who, alone))


def _peer_versions() -> list[str]:
    files = dict.fromkeys(entrant.requirements for entrant in ENTRANTS if entrant.requirements)
    pinned = [[line for line in file.read_text(encoding="utf-8").splitlines() if "==" in line] for file in files]
    return [" with ".join(line.replace("==", " ") for line in lines) for lines in pinned]


def _markdown(results: Sequence[Result], rows: int) -> str:
    lines = [HEADS, ("---", *["---:"] * (len(HEADS) - 1)), *table(results, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
