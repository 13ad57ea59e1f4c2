"""All entrants in turn, round after round."""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.entrants import Entrant
from benchmarks.environment import python_of
from benchmarks.script import RunError, run_script


@dataclass(frozen=True, kw_only=True)
class Trial:
    """An entrant with so many connections against a server with so much latency in ms."""

    entrant: Entrant
    connections: int
    latency: int

    def __str__(self) -> str:
        plural = "s" if self.connections > 1 else ""
        return f"{self.entrant.name}, {self.connections} connection{plural}, {self.latency} ms"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One trial done once, in the round with this number."""

    trial: Trial
    round: int
    seconds: float
    cpu: float
    memory: int


def rounds(trials: Sequence[Trial], *, address: str, rows: int, runs: int) -> Iterator[Run | RunError]:
    """Do every trial once, then every trial again; what fails is not asked again."""
    left = list(trials)
    for number in range(runs):
        for trial in list(left):
            try:
                yield run_trial(trial, address=address, rows=rows, number=number)
            except RunError as error:
                left.remove(trial)
                yield error


def run_trial(trial: Trial, *, address: str, rows: int, number: int = 0) -> Run:
    """Do a trial once.

    Raises:
        RunError: it could not be installed, failed, or loaded other orders than there are.
    """
    entrant = trial.entrant
    try:
        python = python_of(entrant.requirements)
    except subprocess.CalledProcessError as error:
        raise RunError(f"{trial}: not installed: {error}") from error
    command = [f"benchmarks.peers.{entrant.module}", f"{address}/{trial.latency}", str(trial.connections)]
    answer, usage = run_script(str(trial), python, command)
    # Ids count up from 1: as many distinct ones as there are orders, none below and none above, are the same ids.
    expected = {"ids": rows, "first": 1, "last": rows, "rows": rows}
    if any(answer[name] != number for name, number in expected.items()):
        raise RunError(f"{trial}: loaded {answer}, not {expected}")
    return Run(
        trial=trial,
        round=number,
        seconds=answer.get("seconds", usage.seconds),
        cpu=answer.get("cpu", usage.cpu),
        memory=usage.memory,
    )
