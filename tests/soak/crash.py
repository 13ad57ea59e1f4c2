"""Crash episodes: a load is killed at the nth event, then a quiet run follows, after which everything must be exact."""

import logging
import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM, Signals
from typing import Any
from uuid import uuid4

import dagster as dg
import duckdb
from rich.console import Console

from connectors_dagster.cli import terminal
from tests.soak.bomb import Bomb
from tests.support.api import Api
from tests.support.postgres import Postgres
from tests.support.processes import FORKS, Job
from tests.support.rows import address, customer, order, product

SHIPPED = Path(__file__).parents[2] / ".dagster" / "dagster.yaml"
PORT = "SOAK_POSTGRES_PORT"
"""The environment variable with the port of a Postgres cluster."""
FAMILIES = {
    "storefront/orders": ("storefront.orders",),
    "billing/products": ("billing.products",),
    "billing/customers": ("billing.customers", "billing.customer_addresses"),
}
SELECTIONS = {"billing/customers": ("billing/customers", "billing/customer_addresses")}
LAST_EVENTS = {"sql": 60, "file": 60, "http": 8, "storage": 250}
"""About how many events of each kind a run has."""
TIMEOUT = 120


@dataclass(frozen=True, kw_only=True)
class CrashEpisode:
    """A load that is killed.

    Args:
        seed: what everything else follows from.
        family: what is loaded.
        destination: ``duckdb`` or ``postgres``.
        rows: how many rows there are at first.
        is_loaded: whether they were loaded before the run that is killed.
        kills: for each run that is killed, the kind of the event, its number, and the signal.
        only: the kind of episode.
    """

    seed: int
    family: str
    destination: str
    rows: int
    is_loaded: bool
    kills: tuple[tuple[str, int, Signals], ...]
    only: str = "crash"

    def __str__(self) -> str:
        """Describe the episode on one line, and how to play it again."""
        values = ", ".join(
            f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.name not in ("seed", "only")
        )
        return f"{values}\nplay it again: python -m tests.soak --only {self.only} --episodes 1 --seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class CrashOutcome:
    """How an episode ended: `killed` lists how runs ended; `wrong` is empty if all is exact after the quiet run."""

    episode: CrashEpisode
    killed: tuple[str, ...] = ()
    wrong: str = ""


def draw_crash(seed: int) -> CrashEpisode:
    """Draw an episode; on Postgres only if there is one."""
    draw = random.Random(seed)
    kills = []
    for _ in range(draw.choice([1, 1, 1, 2])):
        kind = draw.choice(list(LAST_EVENTS))
        kills.append((kind, draw.randrange(1, LAST_EVENTS[kind] + 1), draw.choice([SIGKILL, SIGKILL, SIGTERM, SIGINT])))
    destination = draw.choice(["duckdb", "duckdb", "postgres"])
    return CrashEpisode(
        seed=seed,
        family=draw.choice(list(FAMILIES)),
        destination=destination if os.environ.get(PORT) else "duckdb",
        rows=draw.choice([1, 20, 150]),
        is_loaded=draw.random() < 0.5,
        kills=tuple(kills),
    )


def play_crash(seed: int) -> CrashOutcome:
    """Play the episode of a seed in a process of its own, in a folder that is removed, and log nothing."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        return play(draw_crash(seed), Path(folder).resolve())


def play(episode: CrashEpisode, folder: Path) -> CrashOutcome:
    """Play an episode in an empty folder."""
    with Api().served() as api:
        return CrashPlay(episode, folder, api).outcome()


class CrashPlay:
    """Plays an episode: what it loads from, where to, and what must be right in the end."""

    def __init__(self, episode: CrashEpisode, folder: Path, api: Api) -> None:
        """Fill the API, and prepare a project in an empty folder."""
        self.episode, self.folder, self.api = episode, folder, api
        self.home = folder / ".dagster"
        self.home.mkdir()
        shutil.copy(SHIPPED, self.home)
        self.draw = random.Random(episode.seed + 1)
        self.postgres = self._postgres() if episode.destination == "postgres" else None
        self._fill()

    def outcome(self) -> CrashOutcome:
        """Play the episode."""
        episode = self.episode
        killed, problems = [], []
        if episode.is_loaded:
            problems += self.run_quietly()
        for kind, nth, signal in episode.kills:
            self.edit()
            self._run(Bomb(kind=kind, nth=nth, signal=signal, folder=self.folder))
            if (self.folder / "killed").exists():
                killed.append(f"{kind} {signal.name} {episode.destination}")
                (self.folder / "killed").unlink()
        self.edit()
        problems += self.run_quietly()
        problems += self.left_behind()
        problems += [] if problems else self.compare()
        return CrashOutcome(episode=episode, killed=tuple(killed), wrong="; ".join(problems))

    def _fill(self) -> None:
        count = self.episode.rows
        if self.episode.family == "storefront/orders":
            self.api.set("storefront/orders", [order(id, _at(id)) for id in range(count)])
        elif self.episode.family == "billing/products":
            self.api.set("billing/products", [product(f"p{id:04}", f"{_at(id)}Z") for id in range(count)])
        else:
            self.api.set("billing/customers", [customer(f"c{id:04}") for id in range(min(count, 20))])
            self.api.set(
                "billing/customer_addresses",
                [address(f"a{id:04}", f"c{id % min(count, 20):04}") for id in range(count)],
            )

    def edit(self) -> None:
        """Change rows and add one; an address may vanish."""
        for tables in self.api.tables.values():
            for name, rows in tables.items():
                for row in self.draw.sample(rows, k=len(rows) // 2):
                    row.update({"status": uuid4().hex} if name == "orders" else {"city": "Rome", "name": uuid4().hex})
                if name == "customer_addresses" and rows and self.draw.random() < 0.5:
                    rows.pop()

    def _run(self, bomb: Bomb | None = None) -> int | None:
        job = Job(
            SELECTIONS.get(self.episode.family, (self.episode.family,)),
            trap=bomb,  # type: ignore[arg-type]  # is set like a trap
            folder=self.folder,
            environment=self.environment(),
        )
        process = FORKS.Process(target=_silently, args=(job, self.folder / "output"))
        process.start()
        process.join(TIMEOUT)
        if process.is_alive():
            process.kill()
            process.join()
            return None
        return process.exitcode

    def run_quietly(self) -> Iterator[str]:
        """Load with the command line; describe why it failed."""
        status = self._run()
        if status != 0:
            output = (self.folder / "output").read_text(errors="replace")[-1500:]
            yield f"the quiet run {'hung' if status is None else f'ended with status {status}'}: {output}"

    def environment(self) -> Mapping[str, str]:
        """Return the environment of each process that loads."""
        postgres = self.postgres
        settings = {
            **self.api.environment,
            "DAGSTER_HOME": str(self.home),
            "DESTINATION__DUCKDB__CREDENTIALS": str(self.folder / "warehouse.duckdb"),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "CONNECTORS__SIBLINGS_TIMEOUT": "60",
            "START_DATE": "2026-09-01",
            **(
                {"CONNECTORS__DESTINATION": "postgres", "DESTINATION__POSTGRES__CREDENTIALS": postgres.url}
                if postgres
                else {}
            ),
        }
        return {**os.environ, **settings}

    def _postgres(self) -> Postgres:
        database = Postgres(int(os.environ[PORT]), f"soak_{uuid4().hex[:12]}")
        database.create()
        return database

    def compare(self) -> Iterator[str]:
        """Describe how the tables differ from the API."""
        for table in FAMILIES[self.episode.family]:
            connector, _, name = table.partition(".")
            key, value = ("id", {"orders": "status", "customer_addresses": "city"}.get(name, "name"))
            wanted = sorted((row[key], row.get(value)) for row in self.api.tables[connector][name])
            found = sorted(self._query(f"SELECT {key}, {value} FROM {table}"))
            if found != wanted:
                only = [row for row in found if row not in wanted], [row for row in wanted if row not in found]
                yield f"{table}: {len(found)} rows instead of {len(wanted)}; wrong {only[0][:3]}, missing {only[1][:3]}"

    def _query(self, sql: str) -> Sequence[tuple[Any, ...]]:
        if self.postgres:
            return self.postgres.query(sql)
        with duckdb.connect(str(self.folder / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def left_behind(self) -> Iterator[str]:
        """Describe what killed processes have left."""
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            if unfinished := [run.run_id for run in instance.get_runs() if not run.is_finished]:
                yield f"runs left unfinished: {unfinished}"
            if slots := instance.event_log_storage.get_concurrency_run_ids():
                yield f"pool slots held by {slots}"
        for base in (".connectors/loads", ".dagster/processes"):
            if left := list((self.folder / base).glob("load-*")):
                yield f"folders left: {left}"


def _silently(job: Job, output: Path) -> None:
    """Run the command line with its output in a file."""
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    terminal.out = Console(file=os.fdopen(descriptor, "w", buffering=1), soft_wrap=True)
    job.command()


def _at(id: int) -> str:
    return f"2026-{9 + id % 3:02}-{1 + id % 20:02}T12:00:{id % 60:02}"
