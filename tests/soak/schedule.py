"""Schedule episodes: ticks of the schedule with edits between them and during the reads, through Dagster."""

import logging
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb

from connectors_dagster.compat.dagster_internals import step_failure
from connectors_dagster.orchestration import clock, runs
from connectors_dagster.orchestration.automation import build_request
from connectors_dagster.orchestration.backlog import backlog
from connectors_dagster.orchestration.build import definitions_of
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.partitions import open_windows
from tests.soak.episode import Edit, Episode, draw_episode
from tests.soak.play import build_connector, compare, surroundings
from tests.soak.shop import Shop, serving

PAUSES = (0.0, 0.1, 1.0, 1.0, 24.0, 200.0, 800.0)
"""Hours between two ticks; a window has 720."""


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A tick of the schedule, `pause` hours and some edits after the one before."""

    pause: float
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScheduleEpisode:
    """An API whose rows change while they are read (see `Episode`) and between the ticks, with children or without."""

    api: Episode
    has_parts: bool
    ticks: tuple[Tick, ...]

    def __str__(self) -> str:
        """Describe the episode, and how to play it again."""
        ticks = "; ".join(f"{tick.pause} h " + " ".join(edit.what for edit in tick.edits) for tick in self.ticks)
        api, _, seed = str(self.api).rpartition("\nplay it again: ")
        again = seed.replace("--only reading", "--only schedule")
        return f"{api}\nhas_parts={self.has_parts}, ticks: {ticks}\nplay it again: {again}"


@dataclass(frozen=True, kw_only=True)
class ScheduleOutcome:
    """How an episode ended, with the number of runs; `wrong` is empty if all is exact after the last tick."""

    episode: ScheduleEpisode
    runs: int = 0
    failed: int = 0
    requests: int = 0
    wrong: str = ""


def draw_schedule(seed: int) -> ScheduleEpisode:
    """Draw an episode: an API as for reading, and two to four ticks."""
    draw = random.Random(seed)
    api, has_parts = draw_episode(seed), draw.random() < 0.5
    whats = ["insert", "delete", "update", "update", *(["child"] * 4 if has_parts else [])]

    def edits(most: int) -> tuple[Edit, ...]:
        count = draw.randrange(most + 1)
        return tuple(Edit(what=draw.choice(whats), place=draw.choice([0.0, 1.0, draw.random()])) for _ in range(count))

    during = tuple(edits(2) if draw.random() < 0.3 else () for _ in range(draw.choice([0, 10, 40])))
    ticks = tuple(Tick(pause=draw.choice(PAUSES), edits=edits(6)) for _ in range(draw.randrange(2, 5)))
    # Rows of earlier reads have no children, so that an episode with children has fewer rows: each is a request.
    rows = min(api.rows, 15) if has_parts else api.rows
    return ScheduleEpisode(api=replace(api, rows=rows, edits=during), has_parts=has_parts, ticks=ticks)


def play_schedule(seed: int) -> ScheduleOutcome:
    """Play the episode of a seed in a process of its own, in a folder that is removed, and log nothing."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        return play(draw_schedule(seed), Path(folder))


def play(episode: ScheduleEpisode, folder: Path) -> ScheduleOutcome:
    """Play an episode in an empty folder: its ticks, then a quiet one."""
    with serving(Shop(episode.api)) as shop, surroundings(shop, folder), _time_of(shop):
        connector = build_connector(episode.api, folder, has_parts=episode.has_parts)
        with dg.DagsterInstance.ephemeral() as instance:
            results = []
            schedule = _Schedule(ConnectorAssets(connector=connector), instance)
            for tick in (*episode.ticks, None):
                shop.quiet = tick is None
                shop.now += timedelta(hours=tick.pause if tick else 1)
                for edit in tick.edits if tick else ():
                    shop.edit(edit)
                last = list(schedule.tick())
                results += last
        wrong = "; ".join(last_error for last_error in last if last_error)
        wrong = f"the quiet refresh failed: {wrong}" if wrong else compare(shop, folder) or _compare_parts(shop, folder)
        failed = sum(bool(error) for error in results)
        return ScheduleOutcome(episode=episode, runs=len(results), failed=failed, requests=len(shop.log), wrong=wrong)


class _Schedule:
    """Runs what the schedule requests, on an instance in memory, for which Dagster evaluates no schedule."""

    def __init__(self, assets: ConnectorAssets, instance: dg.DagsterInstance) -> None:
        self.assets, self.instance = assets, instance
        self.job = definitions_of([assets]).resolve_job_def(assets.name)

    def tick(self) -> Iterator[str]:
        """Run what the schedule requests; yields the error of each run, which is empty if there was none."""
        now = clock.now()
        if self.assets.has_windows:
            open_windows(self.instance, self.assets.grid, now)
        for request in map(build_request, backlog(self.instance, self.assets, now)):
            result = self.job.execute_in_process(
                run_config={**runs.QUIET, **request.run_config},
                instance=self.instance,
                asset_selection=request.asset_selection,
                tags=request.tags,
                raise_on_error=False,
            )
            failures = [step_failure(event) for event in result.all_events if event.is_step_failure]
            yield "; ".join(failures) or ("" if result.success else "the run failed")


@contextmanager
def _time_of(shop: Shop) -> Iterator[None]:
    """Let Dagster's side know the time of the shop."""
    before = clock.now
    clock.now = lambda: shop.now
    try:
        yield
    finally:
        clock.now = before


def _compare_parts(shop: Shop, folder: Path) -> str:
    """Describe how the children of the rows that the API has differ; empty if they do not."""
    wanted = sorted((id, part["id"], part["state"]) for id in _visible(shop) for part in shop.parts.get(id, []))
    if not wanted:
        return ""
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        table = connection.execute("SELECT _things_id, id, state FROM soak.parts").fetchall()
    found = sorted(row for row in table if row[0] not in shop.gone)
    return "" if found == wanted else f"children {found} instead of {wanted}"


def _visible(shop: Shop) -> set[int]:
    return {row["id"] for row in shop.visible()}
