"""Loads in separate processes, forked from a server that has already imported everything."""

import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce, wraps
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import dagster as dg

from connectors_dagster import load_connectors
from connectors_dagster.cli import main
from connectors_dagster.definitions import defs
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.orchestration.instance import open_instance
from connectors_dagster.spec.windows import Window, WindowGrid

NOW = datetime(2026, 11, 1, tzinfo=UTC)
"""The end of the sandbox's history."""
GRID = WindowGrid("P30D", "2024-01-01")

FORKS = multiprocessing.get_context("forkserver")
PRELOADED = [
    "pytest",
    "connectors_dagster.cli.run",
    "connectors_dagster.definitions",
    *(f"connectors_dagster.connectors.{name}" for name in load_connectors()),
    "dlt.destinations.impl.duckdb.duck",
    "dlt.destinations.impl.postgres.postgres",
    "dlt.sources.helpers.requests",
]
FORKS.set_forkserver_preload(PRELOADED)


def die() -> None:
    """Kill this process with SIGKILL."""
    os.kill(os.getpid(), signal.SIGKILL)


def fill_disk() -> None:
    """Limit all files of this process to 64 KiB from now on."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))


PATIENCE = 300
"""Seconds that a process waits for its test."""


def pause() -> None:
    """Create the file `paused` and wait until the test creates the file `go on`; not for ever: it may have failed."""
    Path("paused").touch()
    latest = time.monotonic() + PATIENCE
    while not Path("go on").exists():
        assert time.monotonic() < latest, "the test did not go on"
        time.sleep(0.01)


@dataclass(frozen=True)
class Trap:
    """Calls `spring` in a process just before its nth call of a function.

    Args:
        function: ``module:Class.method`` or ``module:function``.
        spring: what to call.
        nth: the call of `function` that triggers it.
    """

    function: str
    spring: Callable[[], None] = die
    nth: int = 1

    def set(self) -> None:
        """Wrap the function in this process."""
        module, _, path = self.function.partition(":")
        owner, _, name = path.rpartition(".")
        holder: Any = reduce(getattr, filter(None, owner.split(".")), import_module(module))
        function, calls = getattr(holder, name), []

        @wraps(function)
        def trapped(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            if len(calls) == self.nth:
                self.spring()
            return function(*args, **kwargs)

        setattr(holder, name, trapped)


@dataclass(frozen=True)
class Job:
    """A load of one family; folder and settings default to those of the running test.

    Args:
        selection: resources of a family.
        windows: keys of windows from 2024-01-01 on; empty for all, or for a family without windows.
        trap: set before the load.
    """

    selection: Sequence[str]
    windows: Sequence[str] = ()
    trap: Trap | None = None
    folder: Path = field(default_factory=Path.cwd)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def run(self) -> dict[str, int]:
        """Load in this process and return the rows read by resource."""
        self._prepare()
        with loading(order(*self.selection, windows=self.windows)) as load:
            if errors := [error for outcome in load.outcomes.values() for error in outcome.errors]:
                raise errors[0]
            return {
                name: sum(t.rows for t in outcome.stats_by_slice.values()) for name, outcome in load.outcomes.items()
            }

    def command(self, *arguments: str) -> None:
        """Run the command line in this process."""
        self._prepare()
        main(["run", *self.selection, *arguments])

    def open_instance(self) -> None:
        """Open the Dagster instance in this process, as the command line does, and read its runs."""
        self._prepare()
        with open_instance(self.folder) as instance:
            assert instance.get_runs() == []

    def launch(self, tags: Mapping[str, str]) -> None:
        """Execute a run in this process and its children as a run that the UI launches, in a group of its own."""
        os.setsid()
        self._prepare()
        # Dagster leaves out the first folder to import from, which is the one that pytest found this module in.
        sys.path.append(str(Path(__file__).parents[2]))
        keys = [dg.AssetKey(name.split("/")) for name in self.selection]
        with dg.DagsterInstance.get() as instance:
            dg.execute_job(dg.reconstructable(storefront_job), instance, tags=tags, asset_selection=keys)

    def _prepare(self) -> None:
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        if self.trap:
            self.trap.set()


def start(*jobs: Job) -> list[Future[dict[str, int]]]:
    """Start one process per load, all at the same time."""
    pool = ProcessPoolExecutor(len(jobs), mp_context=FORKS)
    futures = [pool.submit(job.run) for job in jobs]
    pool.shutdown(wait=False)
    return futures


def run_at_once(*jobs: Job) -> list[dict[str, int]]:
    """Run one process per load, all at the same time, and return the rows that each read; raises the first error."""
    return [future.result() for future in start(*jobs)]


def start_command(job: Job, *arguments: str) -> ForkServerProcess:
    """Start `connectors run` in a separate process."""
    process = FORKS.Process(target=job.command, args=arguments)
    process.start()
    return process


def storefront_job() -> dg.JobDefinition:
    """Return the job of storefront, in any process of a run."""
    return defs().resolve_job_def("storefront")


def start_launched(job: Job, tags: Mapping[str, str]) -> ForkServerProcess:
    """Start a run of storefront with the executor of the code location, as the UI does."""
    process = FORKS.Process(target=job.launch, args=(tags,))
    process.start()
    return process


def order(*selection: str, windows: Sequence[str] = ()) -> LoadRequest:
    """Build a request for resources of one family."""
    connector = load_connectors()[selection[0].partition("/")[0]]
    resources = [connector.graph[name.partition("/")[2]] for name in selection]
    if not resources[0].windowed:
        return LoadRequest(now=NOW, resources=resources)
    wanted = [window for window in opened() if not windows or window.key in windows]
    lookback, timestamps = connector.lookback, resources[0].root.cursor.timestamp_format
    return LoadRequest(
        now=NOW, resources=resources, slices=GRID.slices(wanted, now=NOW, lookback=lookback, timestamps=timestamps)
    )


def opened() -> list[Window]:
    """List all windows that have started."""
    return GRID.opened(NOW)


def families() -> list[tuple[str, ...]]:
    """List the families of the connectors that are enabled by default, each as its resources."""
    return [
        tuple(str(resource) for resource in family)
        for connector in load_connectors().values()
        if connector.enabled
        for family in connector.families.values()
    ]
