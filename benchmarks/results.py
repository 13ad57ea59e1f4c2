"""The results of all runs: medians by trial, and ratios round by round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

import click

from benchmarks.contest import Run, Trial, rounds
from benchmarks.entrants import READERS
from benchmarks.script import RunError

HEADS = ("program", "connections", "runs", "seconds", "from–to", "CPU s", "rows/s", "peak MB", "× ours", "× floor")
READERS_HEADS = ("program", "connections", "runs", "CPU s", "rows per CPU s", "peak MB", "× airbyte-cdk, by round")


@dataclass(frozen=True)
class Result:
    """The runs of one trial."""

    trial: Trial
    runs: Sequence[Run]

    @cached_property
    def seconds(self) -> float:
        """The median of the wall clock."""
        return median(run.seconds for run in self.runs)

    @cached_property
    def cpu(self) -> float:
        """The median of CPU seconds."""
        return median(run.cpu for run in self.runs)

    @cached_property
    def memory(self) -> float:
        """The median of the peaks, in bytes."""
        return median(run.memory for run in self.runs)

    @property
    def span(self) -> str:
        """The fastest and the slowest run."""
        seconds = [run.seconds for run in self.runs]
        return f"{min(seconds):.1f}–{max(seconds):.1f}"


def hold(trials: Sequence[Trial], *, addresses: Mapping[int, str], runs: int) -> tuple[list[Result], list[RunError]]:
    """Run all trials in turn; print and return their results, and what failed."""
    done: list[Run] = []
    failed: list[RunError] = []
    for run in rounds(trials, addresses=addresses, runs=runs):
        if isinstance(run, Run):
            done.append(run)
            click.echo(f"{run.trial}: {run.seconds:.1f} s, {run.cpu:.1f} s CPU, {run.memory / 1e6:,.0f} MB")
        else:
            failed.append(run)
            click.echo(run)
    return collect(done), failed


def collect(runs: Sequence[Run]) -> list[Result]:
    """Group runs by trial, in the order the trials first ran."""
    trials = dict.fromkeys(run.trial for run in runs)
    return [Result(trial, [run for run in runs if run.trial == trial]) for trial in trials]


def at(results: Sequence[Result], latency: int) -> list[Result]:
    """Pick the results at one latency."""
    return [result for result in results if result.trial.latency == latency]


def best(results: Sequence[Result], name: str) -> Result | None:
    """Pick the fastest result of an entrant over all numbers of connections."""
    own = [result for result in results if result.trial.entrant.name == name]
    return min(own, key=lambda result: result.seconds) if own else None


def table(results: Sequence[Result], rows: int) -> list[tuple[str, ...]]:
    """Build the rows of a table of results at one latency, compared with the fastest of ours and of the floor."""
    ours, floor = best(results, "ours"), best(results, "floor")
    return [
        (
            result.trial.entrant.label,
            str(result.trial.connections),
            str(len(result.runs)),
            f"{result.seconds:.1f}",
            result.span,
            f"{result.cpu:.1f}",
            f"{rows / result.seconds:,.0f}",
            f"{result.memory / 1e6:,.0f}",
            _ratio(result, ours),
            _ratio(result, floor),
        )
        for result in results
    ]


def readers_table(results: Sequence[Result], rows: int) -> list[tuple[str, ...]]:
    """Build the rows of a table of those that only read, compared with the last of them by CPU seconds."""
    reference = best(results, READERS[-1].name)
    cpu = {run.round: run.cpu for run in reference.runs} if reference else {}
    return [
        (
            result.trial.entrant.label,
            str(result.trial.connections),
            str(len(result.runs)),
            f"{result.cpu:.1f}",
            f"{rows / result.cpu:,.0f}",
            f"{result.memory / 1e6:,.0f}",
            " ".join(f"{cpu[run.round] / run.cpu:.2f}" for run in result.runs if run.round in cpu),
        )
        for result in results
    ]


def of_readers(results: Sequence[Result], *, reading: bool = True) -> list[Result]:
    """Pick the results of the programs that only read, or those of the others."""
    return [result for result in results if (result.trial.entrant in READERS) == reading]


def _ratio(result: Result, reference: Result | None) -> str:
    """Return the median of the ratios per round, because the machine's speed drifts between rounds."""
    by_round = {run.round: run.seconds for run in reference.runs} if reference else {}
    ratios = [run.seconds / by_round[run.round] for run in result.runs if run.round in by_round]
    return f"{median(ratios):.2f}" if ratios else ""
