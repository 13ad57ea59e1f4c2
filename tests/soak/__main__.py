"""Plays many episodes, or a single one again: ``python -m tests.soak --help``."""

import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import click

from tests.soak.play import Outcome, play_alone


@click.command()
@click.option("--episodes", default=1000, show_default=True, help="How many episodes to play.")
@click.option("--seed", type=int, help="The seed of the first episode. By default it depends on the time.")
@click.option("--only", type=int, help="The seed of the only episode to play.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="How many episodes to play at once.")
def main(episodes: int, seed: int | None, only: int | None, jobs: int) -> None:
    """Play random episodes: an API whose rows change while they are read. The table must be exact at the end."""
    first = only if only is not None else seed if seed is not None else int(time.time()) % 1_000_000
    seeds = range(first, first + (episodes if only is None else 1))
    click.echo(f"{len(seeds)} episodes from seed {first}")
    began, outcomes = time.monotonic(), []
    # Not forked: threads and locks of this process would be copied.
    with ProcessPoolExecutor(min(jobs, len(seeds)), mp_context=get_context("spawn")) as pool:
        for outcome in pool.map(play_alone, seeds):
            outcomes.append(outcome)
            if outcome.wrong:
                click.echo(f"\nwrong: {outcome.wrong}\n{outcome.episode}\n")
    click.echo(f"{_summary(outcomes)}, {time.monotonic() - began:.0f} s")
    sys.exit(any(outcome.wrong for outcome in outcomes))


def _summary(outcomes: Sequence[Outcome]) -> str:
    exact = sum(not outcome.wrong for outcome in outcomes)
    refused = Counter(error.partition(":")[0] for outcome in outcomes for error in outcome.refused)
    errors = ", ".join(f"{count} {name}" for name, count in sorted(refused.items())) or "none"
    requests = sum(outcome.requests for outcome in outcomes)
    return (
        f"{exact} of {len(outcomes)} episodes exact after the quiet refresh, {requests} requests; reads that failed "
        f"while rows moved: {errors}"
    )


if __name__ == "__main__":
    main()
