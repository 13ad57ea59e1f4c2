"""Daemon episodes: during a backfill, all of Dagster is killed or its code is reloaded; then it goes on."""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import requests

from connectors_dagster.cli.sandbox_process import free_port, wait_until_up
from connectors_dagster.spec.windows import WindowGrid
from tests.soak import location
from tests.soak.crash import LAST_EVENTS, PORT, CrashEpisode, CrashOutcome, CrashPlay
from tests.support.api import Api

ROOT = Path(__file__).parents[2]
START = "2025-06-01"
"""So long ago that a backfill of all windows has two loads."""
PATIENCE = 600
"""Seconds; Dagster itself looks every 30 s at most things."""
LAUNCH = """mutation($windows: [String!]) {
  launchPartitionBackfill(backfillParams: {
    assetSelection: [{path: ["storefront", "orders"]}], partitionNames: $windows
  }) { ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
STATUS = "query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
RELOAD = "mutation { reloadWorkspace { __typename } }"


def draw_daemon(seed: int) -> CrashEpisode:
    """Draw an episode. The number of a reload says how many times the code is reloaded."""
    draw = random.Random(seed)
    kind = draw.choice([*LAST_EVENTS, *LAST_EVENTS, "reload"])
    last = 3 if kind == "reload" else LAST_EVENTS[kind]
    destination = draw.choice(["duckdb", "duckdb", "postgres"])
    return CrashEpisode(
        seed=seed,
        family="storefront/orders",
        destination=destination if os.environ.get(PORT) else "duckdb",
        rows=draw.choice([20, 150]),
        is_loaded=draw.random() < 0.3,
        kills=((kind, draw.randrange(1, last + 1), draw.choice(SIGNALS)),),
        only="daemon",
    )


def play_daemon(seed: int) -> CrashOutcome:
    """Play the episode of a seed in a process of its own, in a folder that is removed, and log nothing."""
    logging.disable(logging.CRITICAL)
    # What a script starts in the background ignores SIGINT, and so would Dagster, which treats SIGTERM alike.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder, Api().served() as api:
        return _Play(draw_daemon(seed), Path(folder).resolve(), api).outcome()


@dataclass(frozen=True, kw_only=True)
class _Server:
    """The UI with its daemon, in a group of processes of its own."""

    process: "subprocess.Popen[bytes]"
    address: str

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def ask(self, query: str, **variables: Any) -> Any:
        """Send a query to its GraphQL API."""
        body = {"query": query, "variables": variables}
        return requests.post(f"{self.address}/graphql", json=body, timeout=PATIENCE).json()["data"]

    def backfill(self, windows: Sequence[str]) -> str:
        """Launch a backfill of orders and return its id."""
        return str(self.ask(LAUNCH, windows=windows)["launchPartitionBackfill"]["backfillId"])

    def status(self, backfill: str) -> str:
        """Return the status of a backfill."""
        return str(self.ask(STATUS, id=backfill)["partitionBackfillOrError"]["status"])

    def end(self) -> None:
        """End it as Ctrl-C does, and kill what is left of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class _Play(CrashPlay):
    def outcome(self) -> CrashOutcome:
        """Play the episode."""
        problems = [*self.run_quietly()] if self.episode.is_loaded else []
        self.edit()
        with dg.DagsterInstance.from_config(str(self.home)) as self.instance:
            is_over, killed = self._backfill()
        problems += [] if is_over else [f"the backfill did not end in {PATIENCE} s"]
        (self.folder / "killed").unlink(missing_ok=True)
        self.edit()
        problems += [*self.run_quietly(), *self.left_behind()]
        problems += [] if problems else self.compare()
        return CrashOutcome(episode=self.episode, killed=killed, wrong="; ".join(problems))

    def _backfill(self) -> tuple[bool, tuple[str, ...]]:
        """Play a backfill; returns whether it has ended, and what was killed."""
        [(kind, nth, sent)] = self.episode.kills
        bomb = {location.BOMB: json.dumps([kind, nth, sent, str(self.folder)])} if kind != "reload" else {}
        self.api.begun.clear()
        with self._dagster(bomb) as server:
            backfill = server.backfill(self._windows())
            (self.folder / location.ARMED).touch()
            if kind == "reload" and self.api.begun.wait(PATIENCE):
                for _ in range(nth):
                    server.ask(RELOAD)
            is_over = self._until(lambda: not server.runs or self._is_over(server, backfill))
            if server.runs:
                return is_over, ()
        with self._dagster({}) as server:
            is_over = self._until(lambda: self._is_over(server, backfill))
        return is_over, (f"{kind} {sent.name} {self.episode.destination}",)

    def environment(self) -> Mapping[str, str]:
        """Return the environment of each process that loads."""
        return {**super().environment(), "START_DATE": START, "PYTHONPATH": str(ROOT)}

    @contextmanager
    def _dagster(self, bomb: Mapping[str, str]) -> Iterator[_Server]:
        """Serve the UI and run the daemon until the block ends."""
        port = free_port()
        command = [sys.executable, "-m", "dagster", "dev", "-m", location.__name__, "-h", "127.0.0.1", "-p", str(port)]
        with (self.folder / "output").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.environment(), **bomb},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        server = _Server(process=process, address=f"http://127.0.0.1:{port}")
        try:
            wait_until_up(process, f"{server.address}/server_info", seconds=PATIENCE)
            yield server
        finally:
            server.end()

    def _windows(self) -> Sequence[str]:
        grid = WindowGrid("P30D", START)
        keys = [window.key for window in grid.opened(datetime.now(UTC))]
        self.instance.add_dynamic_partitions(grid.name, keys)
        return keys

    def _is_over(self, server: "_Server", backfill: str) -> bool:
        return server.status(backfill) != "REQUESTED" and all(run.is_finished for run in self.instance.get_runs())

    def _until(self, condition: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(requests.RequestException):
                if condition():
                    return True
            time.sleep(0.5)
        return False
