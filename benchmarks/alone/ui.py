"""The seconds from the button in the Dagster UI to the last green window, against the command line."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.peers.answer import arguments, say, timed
from benchmarks.peers.settings import storefront_settings
from benchmarks.task import END, START
from connectors_dagster.cli.dev import ui_command
from connectors_dagster.cli.sandbox_process import free_port, wait_until_up

ROOT = Path(__file__).parent.parent.parent
ORDERS = {"path": ["storefront", "orders"]}
SIZES = (36, 12, 1)
"""How many windows are requested at once; the first time the table is empty, later the windows are read again."""
POLL, PATIENCE = 0.25, 300
STATUSES = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
    partitionKeys
    jobNames
    assetPartitionStatuses { ... on DefaultPartitionStatuses { materializedPartitions } }
} } }"""
BACKFILL = """mutation($backfill: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $backfill) {
    __typename ... on PythonError { message }
} }"""
RUNS = """{ runsOrError { ... on Runs { results { runId status creationTime startTime endTime
    stats { ... on RunStatsSnapshot { enqueuedTime launchTime startTime endTime } }
    stepStats { stepKey startTime endTime materializations { timestamp } }
} } } }"""


def main() -> None:
    """Ask for windows as the UI does, then for the same ones on the command line."""
    settings = {**os.environ, **storefront_settings(*arguments()), "CONNECTORS__ENABLED": "storefront"}
    figures: dict[str, float] = {}
    for name, measured in (("the UI", from_ui), ("the command line", from_command_line)):
        folder = Path(name.split()[-1])
        home = folder / ".dagster"
        home.mkdir(parents=True)
        shutil.copy(ROOT / ".dagster" / "dagster.yaml", home)
        database = {"DESTINATION__DUCKDB__CREDENTIALS": str(folder.resolve() / "orders.duckdb")}
        own = {**settings, **database, "DAGSTER_HOME": str(home.resolve())}
        for (size, part), seconds in measured(folder, own):
            figures[f"seconds of {name}, {size} window{'s' * (size > 1)}{part}"] = seconds
    for size in SIZES:
        windows = f"{size} window{'s' * (size > 1)}"
        figures[f"the UI against the command line, {windows}"] = (
            figures[f"seconds of the UI, {windows}"] / figures[f"seconds of the command line, {windows}"]
        )
    say(figures)


Measured = Iterator[tuple[tuple[int, str], float]]


def from_ui(folder: Path, settings: Mapping[str, str]) -> Measured:
    """Measure from the request of the UI until its windows are green, and what the run did in the meantime."""
    with served(folder, settings) as ask:
        keys: Sequence[str] = []
        while not keys:
            time.sleep(POLL)
            keys = ask(STATUSES, key=ORDERS)["assetNodeOrError"]["partitionKeys"]
        keys = [key for key in keys if key < END.date().isoformat()]
        time.sleep(30)  # what follows the start is over
        for size in SIZES:
            began = time.time()
            seconds = materialize(ask, keys[-size:], began)
            yield (size, ""), seconds
            for part, at in parts(ask, began):
                yield (size, part), at - began


def from_command_line(folder: Path, settings: Mapping[str, str]) -> Measured:
    """Measure the whole process."""
    program = str((Path(sys.executable).parent / "connectors").resolve())
    for size in SIZES:
        start = START + (END - START) * (SIZES[0] - size) / SIZES[0]
        span = ["--from", start.date().isoformat(), "--to", END.date().isoformat()]
        with timed() as part:
            subprocess.run([program, "run", "storefront/orders", *span], cwd=folder, env=settings, check=True)
        yield (size, ""), part["seconds"]


def materialize(ask: Any, keys: Sequence[str], began: float) -> float:
    """Request windows; return the seconds until all have been loaded since then."""
    backfill = {"partitionNames": keys, "assetSelection": [ORDERS], "tags": []}
    found = ask(BACKFILL, backfill=backfill)["launchPartitionBackfill"]
    assert found["__typename"] == "LaunchBackfillSuccess", found
    while time.time() - began < PATIENCE:
        time.sleep(POLL)
        runs = since(ask, began)
        if runs and all(run["status"] == "SUCCESS" for run in runs):
            recorded = [float(one["timestamp"]) / 1000 for run in runs for step in run["stepStats"] for one in step["materializations"]]
            return max(recorded) - began
    raise TimeoutError(f"{len(keys)} windows are not loaded after {PATIENCE} s")


def since(ask: Any, began: float) -> list[dict[str, Any]]:
    return [run for run in ask(RUNS)["runsOrError"]["results"] if run["creationTime"] >= began]


def parts(ask: Any, began: float) -> Iterator[tuple[str, float]]:
    """Yield when the parts of the way were over: the last of several runs counts."""
    run = max(since(ask, began), key=lambda run: run["creationTime"])
    yield ": run exists", run["creationTime"]
    yield ": run is launched", run["stats"]["launchTime"]
    yield ": process runs", run["stats"]["startTime"]
    steps = sorted(run["stepStats"], key=lambda step: step["startTime"])
    yield ": step starts", steps[0]["startTime"]
    yield ": step ends", steps[0]["endTime"]
    yield ": run ends", run["endTime"]


@contextmanager
def served(folder: Path, settings: Mapping[str, str]) -> Iterator[Any]:
    """Serve the UI and yield a function that queries it."""
    port = free_port()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the server has it, too
    with (folder / "ui.log").open("w") as log:
        process = subprocess.Popen(ui_command(port), cwd=folder, env=settings, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"

    def ask(query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        with urlopen(Request(f"{address}/graphql", body, {"Content-Type": "application/json"})) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer
        return answer["data"]

    try:
        wait_until_up(process, f"{address}/server_info", seconds=PATIENCE)
        yield ask
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()


if __name__ == "__main__":
    main()
