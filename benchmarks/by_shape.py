"""Rows of other shapes, loaded by this project and by others in turn: ``python -m benchmarks.by_shape``."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import click

from benchmarks import databases
from benchmarks.contest import Trial
from benchmarks.entrants import ENTRANTS, LOOP, Entrant
from benchmarks.report import markdown
from benchmarks.results import Result, hold
from benchmarks.server import serving
from benchmarks.shapes import BY_NAME, SHAPES, Shape

PROGRAMS = {
    "children": "ours airbyte-cdk pyairbyte singer dlt loop",
    "postgres": "ours singer dlt",
    "refresh": "ours singer dlt",
}
USUAL = "floor ours airbyte-cdk pyairbyte singer dlt"
ONE_TENTH = {"singer", "dlt", "loop"}
"""They request the children of one row after another: they get a tenth of the rows, and are compared by row."""
NAMES = [entrant.name for entrant in (*ENTRANTS, LOOP)]
HEADS = ("shape", "program", "connections", "rows", "runs", "seconds", "CPU s", "rows/s", "peak MB", "× ours, by round")


@click.command()
@click.option("--shape", "names", multiple=True, type=click.Choice([shape.name for shape in SHAPES]), help="Only this.")
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="Run only this program.")
@click.option("--scale", default=1.0, show_default=True, help="What part of the rows to load.")
@click.option("--runs", default=1, show_default=True, help="Number of runs of each program.")
def main(names: Sequence[str], only: Sequence[str], scale: float, runs: int) -> None:
    """Load rows of other shapes with this project and with others, in turn, and print a table for the page."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM also ends the processes started here
    lines, failed = [], []
    for shape in [BY_NAME[name] for name in names] or SHAPES:
        reason = databases.what_is_missing() if shape.destination == "postgres" else None
        if reason:
            click.echo(f"{shape.name}: left out: {reason}")
            continue
        trials = list(trials_of(shape, only, scale))
        results, errors = contest(shape, trials, runs)
        lines += list(table(results))
        failed += errors
    click.echo(f"\n{markdown(HEADS, lines)}")
    for error in failed:
        click.echo(f"failed: {error}")
    if failed:
        raise SystemExit(1)


def trials_of(shape: Shape, only: Sequence[str], scale: float) -> Iterator[Trial]:
    """Yield the trials of a shape."""
    for name in PROGRAMS.get(shape.name, USUAL).split():
        if only and name not in only:
            continue
        [entrant] = [entrant for entrant in (*ENTRANTS, LOOP) if entrant.name == name]
        part = scale / 10 if shape.child and name in ONE_TENTH else scale
        yield Trial(
            entrant=entrant,
            connections=connections_of(entrant, shape),
            latency=shape.latency,
            rows=max(round(shape.rows * part), 1),
            shape=shape,
        )


def connections_of(entrant: Entrant, shape: Shape) -> int:
    """Return how many connections an entrant has: as many as the shape says, if it can have several."""
    return shape.connections if max(entrant.connections) > 1 and entrant.name != "floor" else 1


def contest(shape: Shape, trials: Sequence[Trial], runs: int) -> tuple[list[Result], list[Exception]]:
    """Hold the trials of a shape and return the results, and what failed."""
    with ExitStack() as servers:
        addresses = {}
        for rows in dict.fromkeys(trial.rows for trial in trials):
            click.echo(f"{shape.name}: making {rows:,} rows")
            addresses[rows] = servers.enter_context(serving(rows, shape))
        results, failed = hold(trials, addresses=addresses, runs=runs)
    return results, list(failed)


def table(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table: each program of a shape is compared with ours in the same round, by row."""
    ours = {run.round: _by_row(result, run.seconds) for result in results for run in result.runs if _is_ours(result)}
    for result in results:
        trial = result.trial
        ratios = [_by_row(result, run.seconds) / ours[run.round] for run in result.runs if run.round in ours]
        yield (
            trial.shape.name,
            trial.entrant.label,
            str(trial.connections),
            f"{trial.shape.loaded(trial.rows):,}",
            str(len(result.runs)),
            f"{result.seconds:.1f}",
            f"{result.cpu:.1f}",
            f"{trial.shape.loaded(trial.rows) / result.seconds:,.0f}",
            f"{result.memory / 1e6:,.0f}",
            " ".join(f"{ratio:.2f}" for ratio in ratios),
        )


def _by_row(result: Result, seconds: float) -> float:
    return seconds / result.trial.rows


def _is_ours(result: Result) -> bool:
    return result.trial.entrant.name == "ours"


if __name__ == "__main__":
    main()
