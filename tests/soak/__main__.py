"""Plays many episodes, or a single one again: ``python -m tests.soak --help``."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import click

from tests.soak.crash import PORT, play_crash
from tests.soak.daemon import play_daemon
from tests.soak.play import play_alone
from tests.soak.schedule import play_schedule
from tests.support.postgres import cluster, find_programs


def _say_refused(outcomes: Sequence[Any]) -> str:
    refused = Counter(error.partition(":")[0] for outcome in outcomes for error in outcome.refused)
    errors = ", ".join(f"{count} {name}" for name, count in sorted(refused.items())) or "none"
    requests = sum(outcome.requests for outcome in outcomes)
    return f"{requests} requests; reads that failed while rows moved: {errors}"


def _say_runs(outcomes: Sequence[Any]) -> str:
    ran, failed = (sum(getattr(outcome, name) for outcome in outcomes) for name in ("runs", "failed"))
    return f"{ran} runs, {failed} of them failed while rows moved, {sum(one.requests for one in outcomes)} requests"


def _say_killed(outcomes: Sequence[Any]) -> str:
    kills = Counter(kill for outcome in outcomes for kill in outcome.killed)
    return f"{sum(kills.values())} runs killed: " + ", ".join(
        f"{count} {kill}" for kill, count in sorted(kills.items())
    )


REPORTED_EVERY = 20


@dataclass(frozen=True)
class Kind:
    """A kind of episodes: plays the episode of a seed, and describes many outcomes; `share` of them are played."""

    play: Callable[[int], Any]
    describe: Callable[[Sequence[Any]], str]
    share: float = 1.0


KINDS: Mapping[str, Kind] = {
    "reading": Kind(play_alone, _say_refused),
    "schedule": Kind(play_schedule, _say_runs),
    "crash": Kind(play_crash, _say_killed),
    "daemon": Kind(play_daemon, _say_killed, share=0.1),
}


@click.command()
@click.option("--episodes", default=200, show_default=True, help="How many episodes to play of each kind.")
@click.option("--seed", type=int, help="The seed of the first episode. By default it depends on the time.")
@click.option("--only", type=click.Choice(list(KINDS)), help="Play only this kind.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="How many episodes to play at once.")
def main(episodes: int, seed: int | None, only: str | None, jobs: int) -> None:
    """Play random episodes of each kind, after which the tables must be exact.

    reading: an API whose rows change while they are read. schedule: ticks of the schedule, with edits between them, and
    children. crash: loads that are killed. daemon: backfills during which all of Dagster is killed;
    a tenth as many, unless only they are played.
    """
    first = seed if seed is not None else int(time.time()) % 1_000_000
    with _postgres():
        played = [
            _play_all(name, range(first, first + (episodes if only else max(1, int(episodes * kind.share)))), jobs)
            for name, kind in KINDS.items()
            if only in (None, name)
        ]
    sys.exit(not all(played))


def _play_all(name: str, seeds: Sequence[int], jobs: int) -> bool:
    """Play the episodes of a kind and return whether all ended well."""
    kind, began, outcomes = KINDS[name], time.monotonic(), []
    click.echo(f"{name}: {len(seeds)} episodes from seed {seeds[0]}")
    # Not forked: threads and locks of this process would be copied.
    with ProcessPoolExecutor(min(jobs, len(seeds)), mp_context=get_context("spawn")) as pool:
        for outcome in pool.map(kind.play, seeds):
            outcomes.append(outcome)
            if len(outcomes) % REPORTED_EVERY == 0:
                click.echo(f"{name}: {len(outcomes)} played, {sum(bool(one.wrong) for one in outcomes)} wrong")
            if outcome.wrong:
                click.echo(f"\nwrong: {outcome.wrong}\n{outcome.episode}\n")
    exact = sum(not outcome.wrong for outcome in outcomes)
    seconds = time.monotonic() - began
    click.echo(f"{name}: {exact} of {len(outcomes)} episodes exact, {kind.describe(outcomes)}, {seconds:.0f} s")
    return exact == len(outcomes)


@contextmanager
def _postgres() -> Iterator[None]:
    """Run a Postgres cluster for the episodes, if it is installed."""
    programs = find_programs()
    if programs is None:
        click.echo("Postgres is not installed (make postgres): all episodes load into DuckDB")
        yield
        return
    with cluster(programs) as port:
        os.environ[PORT] = str(port)
        yield


if __name__ == "__main__":
    main()
