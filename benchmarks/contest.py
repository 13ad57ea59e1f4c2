"""All entrants in turn, round after round."""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.entrants import Entrant
from benchmarks.environment import python_of
from benchmarks.script import RunError, run_script


@dataclass(frozen=True, kw_only=True)
class Trial:
    """An entrant with a number of connections, and the latency of the server in ms."""

    entrant: Entrant
    connections: int
    latency: int

    def __str__(self) -> str:
        plural = "s" if self.connections > 1 else ""
        return f"{self.entrant.name}, {self.connections} connection{plural}, {self.latency} ms"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a trial, in the round with this number; `contents` sums up all values, if it was asked for them."""

    trial: Trial
    round: int
    seconds: float
    cpu: float
    memory: int
    contents: float | None = None


def rounds(trials: Sequence[Trial], *, address: str, rows: int, runs: int) -> Iterator[Run | RunError]:
    """Run every trial once per round.

    A trial that fails, or reads other values than the first that tells of them, is left out of later rounds.
    """
    left, contents = list(trials), None
    for number in range(runs):
        for trial in list(left):
            try:
                run = run_trial(trial, address=address, rows=rows, number=number)
                contents = run.contents if contents is None else contents
                if run.contents not in (None, contents):
                    raise RunError(f"{trial}: read other values than another program")
                yield run
            except RunError as error:
                left.remove(trial)
                yield error


def run_trial(trial: Trial, *, address: str, rows: int, number: int = 0) -> Run:
    """Run a trial once.

    Raises:
        RunError: it could not be installed, failed, or did not load exactly the existing orders.
    """
    entrant = trial.entrant
    try:
        python = python_of(entrant.requirements)
    except subprocess.CalledProcessError as error:
        raise RunError(f"{trial}: not installed: {error}") from error
    command = [f"benchmarks.peers.{entrant.module}", f"{address}/{trial.latency}", str(trial.connections)]
    figures, usage = run_script(str(trial), python, command, root=entrant.root)
    # Ids count up from 1. If count, minimum and maximum match, so do the ids.
    expected = {"ids": rows, "first": 1, "last": rows, "rows": rows}
    if any(figures[name] != number for name, number in expected.items()):
        raise RunError(f"{trial}: loaded {figures}, not {expected}")
    return Run(
        trial=trial,
        round=number,
        seconds=figures.get("seconds", usage.seconds),
        cpu=figures.get("cpu", usage.cpu),
        memory=usage.memory,
        contents=figures.get("contents"),
    )
