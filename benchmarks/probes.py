"""Figures of this project alone, by name: medians over all runs."""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.contest import Trial, run_trial
from benchmarks.entrants import ENTRANTS
from benchmarks.script import RunError, run_script
from benchmarks.server import serving

TENFOLD = "tenfold"


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A script in `alone/` that prints figures."""

    name: str
    connections: int = 4
    latency: int = 0


PROBES = (
    Probe(name="startup"),
    Probe(name="refresh"),
    Probe(name="ui"),
)
NAMES = (*(probe.name for probe in PROBES), TENFOLD)


def figures(names: Sequence[str], *, address: str, runs: int) -> tuple[dict[str, float], list[RunError]]:
    """Run probes in turn; return the medians and the errors."""
    values: Mapping[str, list[float]] = defaultdict(list)
    errors: list[RunError] = []
    for probe in [probe for _ in range(runs) for probe in PROBES if probe.name in names]:
        command = [f"benchmarks.alone.{probe.name}", f"{address}/{probe.latency}", str(probe.connections)]
        try:
            printed, _ = run_script(probe.name, sys.executable, command)
        except RunError as error:
            errors.append(error)
            continue
        for name, value in printed.items():
            values[name].append(value)
    return {name: median(found) for name, found in values.items()}, errors


def tenfold(rows: int) -> Iterator[tuple[str, float]]:
    """Yield seconds and peak MB of the step, for this number of orders and for ten times as many."""
    step = next(entrant for entrant in ENTRANTS if entrant.name == "step")
    for size in (rows, 10 * rows):
        with serving(size) as address:
            run = run_trial(Trial(entrant=step, connections=4, latency=0, rows=size), address=address)
        yield f"seconds of the step, {size:,} orders", run.seconds
        yield f"peak MB of the step, {size:,} orders", run.memory / 1e6
