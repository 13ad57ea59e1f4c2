"""Writes the page with the results: what was measured, where, and how."""

import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks.chart import draw
from benchmarks.entrants import ENTRANTS
from benchmarks.results import HEADS, READERS_HEADS, Result, at, of_readers, readers_table, table
from benchmarks.task import WINDOWS

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
CHART = PAGE.with_suffix(".svg")
APART = (
    "## The floor\n",
    "## Requests alone\n",
    "## Both cores\n",
    "## Other shapes\n",
    "## Very many orders\n",
    "## From the button in the UI\n",
)
"""The heads of sections that are measured apart from the others, and written by hand."""
OWN = ("dagster", "dlt", "duckdb", "pyarrow", "orjson")
INTRODUCTION = """\
# Benchmarks

How long this project ("ours") and other programs take to load {rows:,} orders into DuckDB, and how much memory they
need. The orders are nested as in real shops, 2 KB each, and were last changed in {windows} windows of 30 days. A server
on the same machine sends them, 100 on a page, from bytes that were prepared beforehand. Each program loads all orders
in a new process and an empty folder. Then the ids that arrived are checked. The programs take turns, {runs} rounds.

`make bench` does all of this and writes this page. Measured on {day} with {cores} cores ({machine}), Python {python},
{own}. The other programs run in their own environments: {peers}.

![Seconds to load all orders](benchmarks.svg)
"""
EXPLANATION = """\
*Seconds* is the median of the elapsed time. *CPU s* and *peak MB* cover all processes of a program together; memory
that processes share is counted once. *× ours* is relative to the faster of our whole processes in the same table,
*× floor* to the faster floor. Both are medians of the ratios within each round, because the speed of the machine drifts
between rounds.
"""
READING = """\
## One manifest, two readers

The programs above load; these only read, all by one small manifest of Airbyte, which is in
`benchmarks/peers/manifest_with_settings.py`. They read the same windows and pages. All declared fields are compared,
not only the ids; this is not timed. Imports, the translation of the manifest and the construction of airbyte-cdk's
source are not timed either. *× airbyte-cdk* is the ratio to the rows per CPU second of airbyte-cdk alone, in each
round.
"""


def write(results: Sequence[Result], figures: Mapping[str, float], *, rows: int, runs: int, today: date) -> None:
    """Write the page and its chart."""
    PAGE.parent.mkdir(exist_ok=True)
    before = PAGE.read_text(encoding="utf-8")
    written = page(results, figures, rows=rows, runs=runs, today=today, apart=measured_apart(before))
    PAGE.write_text(written, encoding="utf-8")
    CHART.write_text(draw(of_readers(results, reading=False)), encoding="utf-8")


def measured_apart(text: str) -> str:
    """Return the sections of a page that are written by hand."""
    sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    return "".join(section for section in sections if section.startswith(APART))


def page(
    results: Sequence[Result], figures: Mapping[str, float], *, rows: int, runs: int, today: date, apart: str = ""
) -> str:
    """Build the page; `apart` are sections that are kept as they are."""
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
        f"## Response time of the server: {latency} ms\n\n{markdown(HEADS, table(found, rows))}"
        for latency, found in _by_latency(of_readers(results, reading=False))
    ]
    reading = [
        f"Response time of the server: {latency} ms\n\n{markdown(READERS_HEADS, readers_table(found, rows))}"
        for latency, found in _by_latency(of_readers(results))
    ]
    who = "## The programs\n\n" + _descriptions(of_readers(results, reading=False))
    alone = "## This project alone\n\n| | median |\n| --- | ---: |\n" + "".join(
        f"| {name} | {value:,.2f} |\n" for name, value in figures.items()
    )
    return "\n".join(
        (introduction, *tables, EXPLANATION, who, READING, *reading, _descriptions(of_readers(results)), apart + alone)
    )


def _peer_versions() -> list[str]:
    files = dict.fromkeys(entrant.requirements for entrant in ENTRANTS if entrant.requirements)
    pinned = [[line for line in file.read_text(encoding="utf-8").splitlines() if "==" in line] for file in files]
    return [" with ".join(line.replace("==", " ") for line in lines) for lines in pinned]


def _by_latency(results: Sequence[Result]) -> Iterator[tuple[int, list[Result]]]:
    for latency in dict.fromkeys(result.trial.latency for result in results):
        yield latency, at(results, latency)


def _descriptions(results: Sequence[Result]) -> str:
    taking_part = dict.fromkeys(result.trial.entrant for result in results)
    return "".join(f"- *{entrant.label}*: {entrant.about}.\n" for entrant in taking_part)


def markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table; all columns but the first hold numbers."""
    written = [heads, ("---", *["---:"] * (len(heads) - 1)), *lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in written)
