"""The command line: runs all programs in turn, prints medians, and writes the page after a full-size run."""

import signal
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import click

from benchmarks import probes, report
from benchmarks.contest import Trial
from benchmarks.entrants import ENTRANTS, READERS, Entrant
from benchmarks.results import HEADS, READERS_HEADS, Result, at, hold, of_readers, readers_table, table
from benchmarks.revision import entrants_at
from benchmarks.server import serving

FULL_ROWS, FULL_RUNS, LATENCIES = 100_000, 3, (0, 50)
NAMES = (*(entrant.name for entrant in (*ENTRANTS, *READERS)), *probes.NAMES)


@click.command()
@click.option("--rows", default=FULL_ROWS, show_default=True, help="Number of orders to load.")
@click.option("--runs", default=FULL_RUNS, show_default=True, help="Number of runs of each program.")
@click.option("--latency", "latencies", type=int, multiple=True, default=LATENCIES, help="In ms; defaults to 0 and 50.")
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="Run only this program or probe.")
@click.option("--brief", is_flag=True, help="Only the fewest connections of each program, or the most with a latency.")
@click.option("--against", multiple=True, metavar="COMMIT", help="Run this project as it was at this commit, too.")
def main(
    rows: int, runs: int, latencies: Sequence[int], only: Sequence[str], brief: bool, against: Sequence[str]
) -> None:
    """Load the same orders with this project and with others, in turn."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM also ends the processes started here
    names = only or NAMES
    entrants = [entrant for entrant in (*ENTRANTS, *READERS) if entrant.name in names]
    for commit in against:
        entrants += [entrant for entrant in entrants_at(commit) if entrant.name.partition(" ")[0] in names]
    trials = [
        Trial(entrant=entrant, connections=connections, latency=latency, rows=rows)
        for latency in latencies
        for entrant in entrants
        for connections in (_apt(entrant, latency) if brief else entrant.connections)
    ]
    click.echo(f"making {rows:,} orders")
    with serving(rows) as address:
        results, failed = hold(trials, addresses={rows: address}, runs=runs)
        figures, errors = probes.figures(names, address=address, runs=runs)
    if probes.TENFOLD in names:
        figures |= probes.tenfold(rows)
    _show(results, figures, rows)
    for error in (*failed, *errors):
        click.echo(f"\nfailed: {error}")
    if not (only or brief or against) and set(latencies) == set(LATENCIES) and rows >= FULL_ROWS and runs >= FULL_RUNS:
        report.write(results, figures, rows=rows, runs=runs, today=datetime.now(UTC).date())
        click.echo(f"\nwrote {report.PAGE.parent.name}/{report.PAGE.name} and its chart")
    else:
        click.echo(f"\nnothing written: docs/ shows full runs only, with {FULL_ROWS:,} orders and {FULL_RUNS} runs")


def _apt(entrant: Entrant, latency: int) -> Sequence[int]:
    """Return the number of connections that suits a latency."""
    return [max(entrant.connections) if latency else min(entrant.connections)]


def _show(results: Sequence[Result], figures: Mapping[str, float], rows: int) -> None:
    for latency in dict.fromkeys(result.trial.latency for result in results):
        found = at(results, latency)
        click.echo(f"\n{rows:,} orders, {latency} ms")
        _show_table(HEADS, table(of_readers(found, reading=False), rows))
        _show_table(READERS_HEADS, readers_table(of_readers(found), rows))
    click.echo()
    for name, value in figures.items():
        click.echo(f"{value:10,.2f}  {name}")


def _show_table(heads: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> None:
    if not lines:
        return
    widths = [max(len(line[column]) for line in (heads, *lines)) for column in range(len(heads))]
    for name, *numbers in (heads, *lines):
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
        click.echo("  ".join((name.ljust(widths[0]), *cells)))


if __name__ == "__main__":
    main()
