"""The command line: everybody in turn, medians on the screen, and the page when it was the full size."""

import signal
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from benchmarks import report
from benchmarks.contest import Run, RunError, Trial, rounds
from benchmarks.entrants import ENTRANTS
from benchmarks.results import HEADS, Result, at, collect, table
from benchmarks.server import serving

FULL_ROWS, FULL_RUNS, LATENCIES = 100_000, 3, (0, 50)
NAMES = click.Choice([entrant.name for entrant in ENTRANTS])


@click.command()
@click.option("--rows", default=FULL_ROWS, show_default=True, help="How many orders to load.")
@click.option("--runs", default=FULL_RUNS, show_default=True, help="How often each takes its turn.")
@click.option("--latency", "latencies", multiple=True, default=LATENCIES, show_default=True, help="In ms, per request.")
@click.option("--only", multiple=True, type=NAMES, help="Leave out all others.")
def main(rows: int, runs: int, latencies: Sequence[int], only: Sequence[str]) -> None:
    """Load the same orders with this project and with others, in turn."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside, everything started ends, too
    trials = [
        Trial(entrant=entrant, connections=connections, latency=latency)
        for latency in latencies
        for entrant in ENTRANTS
        for connections in entrant.connections
        if not only or entrant.name in only
    ]
    click.echo(f"making {rows:,} orders")
    done: list[Run] = []
    failed: list[RunError] = []
    with serving(rows) as address:
        for run in rounds(trials, address=address, rows=rows, runs=runs):
            click.echo(_line(run))
            if isinstance(run, Run):
                done.append(run)
            else:
                failed.append(run)
    results = collect(done)
    _show(results, rows)
    for error in failed:
        click.echo(f"\nfailed: {error}")
    _publish(results, rows=rows, runs=runs, full=not only and set(latencies) == set(LATENCIES))


def _line(run: Run | RunError) -> str:
    if isinstance(run, RunError):
        return str(run)
    return f"{run.trial}: {run.seconds:.1f} s, {run.cpu:.1f} s CPU, {run.memory / 1e6:,.0f} MB"


def _show(results: Sequence[Result], rows: int) -> None:
    for latency in dict.fromkeys(result.trial.latency for result in results):
        lines = [HEADS, *table(at(results, latency), rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
        click.echo(f"\n{rows:,} orders, {latency} ms")
        for name, *numbers in lines:
            cells = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
            click.echo("  ".join((name.ljust(widths[0]), *cells)))


def _publish(results: Sequence[Result], *, rows: int, runs: int, full: bool) -> None:
    if full and rows >= FULL_ROWS and runs >= FULL_RUNS:
        report.write(results, rows=rows, runs=runs, today=datetime.now(UTC).date())
        click.echo(f"\nwrote {report.PAGE.name} and {report.CHART.name} in {report.PAGE.parent.name}/")
    else:
        click.echo(f"\nnothing written: docs/ holds what {FULL_ROWS:,} orders and {FULL_RUNS} runs of all have shown")


if __name__ == "__main__":
    main()
