"""All entrants in turn, round after round."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from benchmarks import databases
from benchmarks.entrants import Entrant
from benchmarks.environment import python_of
from benchmarks.measure import Usage
from benchmarks.script import RunError, run_script
from benchmarks.shapes import ORDERS, Shape


@dataclass(frozen=True, kw_only=True)
class Trial:
    """An entrant with a number of connections, how many rows of a shape are served, and the server's latency in ms."""

    entrant: Entrant
    connections: int
    latency: int
    rows: int
    shape: Shape = ORDERS

    def __str__(self) -> str:
        plural = "s" if self.connections > 1 else ""
        shape = "" if self.shape == ORDERS else f"{self.shape.name}, "
        return f"{shape}{self.entrant.name}, {self.connections} connection{plural}, {self.latency} ms"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a trial, in the round with this number; `contents` sums up all values, if it was asked for them."""

    trial: Trial
    round: int
    seconds: float
    cpu: float
    memory: int
    contents: float | None = None


def rounds(trials: Sequence[Trial], *, addresses: Mapping[int, str], runs: int) -> Iterator[Run | RunError]:
    """Run every trial once per round; `addresses` are those of the servers, by the rows that they serve.

    A trial that fails, or reads other values than the first that tells of them, is left out of later rounds.
    """
    left, contents = list(trials), None
    for number in range(runs):
        for trial in list(left):
            try:
                run = run_trial(trial, address=addresses[trial.rows], number=number)
                contents = run.contents if contents is None else contents
                if run.contents not in (None, contents):
                    raise RunError(f"{trial}: read other values than another program")
                yield run
            except RunError as error:
                left.remove(trial)
                yield error


def run_trial(trial: Trial, *, address: str, number: int = 0) -> Run:
    """Run a trial once.

    Raises:
        RunError: it could not be installed, failed, or did not load exactly the rows that exist.
    """
    entrant = trial.entrant
    try:
        python = python_of(entrant.requirements)
    except subprocess.CalledProcessError as error:
        raise RunError(f"{trial}: not installed: {error}") from error
    figures, usage = _run(trial, python, address)
    rows = trial.shape.loaded(trial.rows)
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


def _run(trial: Trial, python: str, address: str) -> tuple[Mapping[str, float], Usage]:
    task = [f"{address}/{trial.latency}", str(trial.connections), trial.shape.name]
    with databases.empty() if trial.shape.destination == "postgres" else nullcontext() as url:
        command = [f"benchmarks.peers.{trial.entrant.module}", *task, *([url] if url else [])]
        return run_script(str(trial), python, command, root=trial.entrant.root, again=trial.shape.again)
