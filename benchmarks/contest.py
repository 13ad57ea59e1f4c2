"""All entrants in turn, round after round, each in a fresh folder and process."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.entrants import Entrant
from benchmarks.environment import BASE, ROOT, python_of
from benchmarks.measure import Usage, measure

TIMEOUT = 3600.0
PASSED_ON = ("PATH", "LANG", "LC_ALL")
PRIVATE = ("HOME", "TMPDIR", "AIRBYTE_LOGGING_ROOT")
QUIET = {"AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1", "RUNTIME__DLTHUB_TELEMETRY": "false"}


class RunError(Exception):
    """An entrant did not do what everybody has to do."""


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
    """One trial done once."""

    trial: Trial
    seconds: float
    cpu: float
    memory: int


def rounds(trials: Sequence[Trial], *, address: str, rows: int, runs: int) -> Iterator[Run | RunError]:
    """Do every trial once, then every trial again; what fails once does not start again."""
    left = list(trials)
    for _ in range(runs):
        for trial in list(left):
            try:
                yield _run(trial, address, rows)
            except RunError as error:
                left.remove(trial)
                yield error


def _run(trial: Trial, address: str, rows: int) -> Run:
    entrant = trial.entrant
    try:
        python = python_of(entrant.requirements)
    except subprocess.CalledProcessError as error:
        raise RunError(f"{trial}: not installed: {error}") from error
    folder = _fresh_folder()
    command = [python, "-m", f"benchmarks.peers.{entrant.module}", f"{address}/{trial.latency}", str(trial.connections)]
    usage = measure([*command, *entrant.extra], folder=folder, environment=_environment(folder), timeout=TIMEOUT)
    answer = _answer(trial, folder, usage)
    expected = {"ids": rows, "first": 1, "last": rows, "rows": rows}
    if any(answer[name] != number for name, number in expected.items()):
        raise RunError(f"{trial}: loaded {answer}, not {expected}")
    shutil.rmtree(folder)
    return Run(
        trial=trial,
        seconds=answer.get("seconds", usage.seconds),
        cpu=answer.get("cpu", usage.cpu),
        memory=usage.memory,
    )


def _fresh_folder() -> Path:
    folder = BASE / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _environment(folder: Path) -> dict[str, str]:
    own = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**own, **QUIET, "PYTHONPATH": str(ROOT), **dict.fromkeys(PRIVATE, str(folder))}


def _answer(trial: Trial, folder: Path, usage: Usage) -> Mapping[str, float]:
    lines = (folder / "out").read_text(encoding="utf-8", errors="replace").splitlines()
    found = [line for line in lines if line.startswith('{"ids"')]
    if usage.status or not found:
        kept = folder.with_name(f"failed-{trial.entrant.name}-{trial.connections}-{trial.latency}")
        shutil.rmtree(kept, ignore_errors=True)
        folder.rename(kept)
        raise RunError(
            f"{trial}: ended with status {usage.status} after {usage.seconds:.0f} s; what it said is in "
            f"{kept.relative_to(ROOT)}/out and err"
        )
    answer: Mapping[str, float] = json.loads(found[-1])
    return answer
