"""The seconds from the button in the Dagster UI to the last green window, and those of the command line."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.peers.answer import arguments, say, timed
from benchmarks.peers.settings import instance_settings, storefront_settings
from benchmarks.task import END, START
from connectors_dagster.cli.dev import ui_command
from connectors_dagster.cli.sandbox_process import free_port, wait_until_up
from connectors_dagster.sandbox import environment, generate_tables, running

ORDERS = "storefront/orders"
FAMILIES = (
    "billing/customers",
    "billing/customer_addresses",
    "billing/businesses",
    "billing/event_types",
    "billing/ip_addresses",
)
BILLING = "three families of billing"
SIZES = (36, 12, 1)
"""How many windows are requested at once; the first time the table is empty, later the windows are read again."""
POLL, PATIENCE, CALM = 0.25, 600, 30
"""In seconds: between two looks, until something is given up, and until what follows the start of the UI is over."""
ASSETS = """{ assetNodes { assetKey { path } partitionKeys repository { name location { name } } } }"""
BACKFILL = """mutation($params: LaunchBackfillParams!) { result: launchPartitionBackfill(backfillParams: $params) {
    __typename ... on PythonError { message }
} }"""
RUN = """mutation($params: ExecutionParams!) { result: launchPipelineExecution(executionParams: $params) {
    __typename ... on PythonError { message }
} }"""
RUNS = """{ runsOrError { ... on Runs { results { status creationTime endTime
    stats { ... on RunStatsSnapshot { launchTime startTime } }
    stepStats { startTime endTime materializations { timestamp } }
} } } }"""
Ask = Callable[..., Any]
"""Queries the UI's server; takes a query and its variables."""
Measured = Iterator[tuple[str, float]]


def main() -> None:
    """Load in the UI, then the same on the command line, each in an empty folder."""
    with running(generate_tables()) as sandbox:
        billing = {name: value for name, value in environment(sandbox).items() if "BILLING" in name}
        enabled = {"CONNECTORS__ENABLED": "billing storefront"}
        settings = {**os.environ, **storefront_settings(*arguments()), **billing, **enabled}
        ui = dict(from_ui(*project("ui", settings)))
        command = dict(from_command_line(*project("command", settings)))
    say(
        {f"seconds in the UI, {name}": seconds for name, seconds in ui.items()}
        | {f"seconds on the command line, {name}": seconds for name, seconds in command.items()}
        | {f"the UI against the command line, {name}": ui[name] / seconds for name, seconds in command.items()}
    )


def project(name: str, settings: Mapping[str, str]) -> tuple[Path, Mapping[str, str]]:
    """Make a folder with an instance of its own, and return the settings with it."""
    folder = Path(name).resolve()
    database = {"DESTINATION__DUCKDB__CREDENTIALS": str(folder / "orders.duckdb")}
    return folder, {**settings, **database, **instance_settings(folder)}


def from_ui(folder: Path, settings: Mapping[str, str]) -> Measured:
    """Yield the seconds from each request of the UI until everything is green, and when the parts of the way ended."""
    with served(folder, settings) as ask:
        nodes = wait_for(lambda: windows_are_open(ask(ASSETS)["assetNodes"]))
        time.sleep(CALM)
        orders = nodes[ORDERS]
        keys = [key for key in orders["partitionKeys"] if key < END.date().isoformat()]
        for size in SIZES:
            if size > 1:
                params = {"partitionNames": keys[-size:], "assetSelection": [orders["assetKey"]], "tags": []}
                yield from measure(ask, BACKFILL, params, f"{size} windows")
            else:  # the UI starts a run at once
                yield from measure(ask, RUN, run_of([orders], partition=keys[-1]), "1 window")
        yield from measure(ask, RUN, run_of([nodes[name] for name in FAMILIES]), BILLING)


def from_command_line(folder: Path, settings: Mapping[str, str]) -> Measured:
    """Yield the seconds of whole processes for the same."""
    program = str((Path(sys.executable).parent / "connectors").resolve())
    for size in SIZES:
        start = END - size * (END - START) / SIZES[0]
        span = ["--from", start.date().isoformat(), "--to", END.date().isoformat()]
        with timed() as part:
            subprocess.run([program, "run", ORDERS, *span], cwd=folder, env=settings, check=True)
        yield (f"{size} windows" if size > 1 else "1 window"), part["seconds"]
    with timed() as part:
        subprocess.run([program, "run", *FAMILIES], cwd=folder, env=settings, check=True)
    yield BILLING, part["seconds"]


def windows_are_open(nodes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the assets by key as soon as the windows have been added."""
    found = {"/".join(node["assetKey"]["path"]): node for node in nodes}
    return found if found.get(ORDERS, {}).get("partitionKeys") else None


def run_of(nodes: Sequence[Mapping[str, Any]], *, partition: str | None = None) -> Mapping[str, Any]:
    """Return the parameters with which the UI starts a run of some assets."""
    repository = nodes[0]["repository"]
    return {
        "mode": "default",
        "runConfigData": {},
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}] if partition else []},
        "selector": {
            "repositoryLocationName": repository["location"]["name"],
            "repositoryName": repository["name"],
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [node["assetKey"] for node in nodes],
            "assetCheckSelection": None,
        },
    }


def measure(ask: Ask, request: str, params: Mapping[str, Any], name: str) -> Measured:
    """Ask for something; yield the seconds until everything is green, and until each part of the way was over."""
    began = time.time()
    answer = ask(request, params=params)["result"]
    assert answer["__typename"] in ("LaunchBackfillSuccess", "LaunchRunSuccess"), answer
    run = wait_for(lambda: succeeded(ask, began))
    steps = sorted(run["stepStats"], key=lambda step: step["startTime"])
    green = [float(found["timestamp"]) / 1000 for step in steps for found in step["materializations"]]
    ended = {
        "": max(green),
        ": the run is asked for": run["creationTime"],
        ": it is launched": run["stats"]["launchTime"],
        ": its process has imported everything": run["stats"]["startTime"],
        ": its first step begins": steps[0]["startTime"],
        ": the checks are done": run["endTime"],
    }
    for part, at in ended.items():
        yield name + part, at - began


def succeeded(ask: Ask, began: float) -> Mapping[str, Any] | None:
    """Return the one run since then when it has succeeded."""
    runs = [run for run in ask(RUNS)["runsOrError"]["results"] if run["creationTime"] >= began]
    assert len(runs) <= 1 and all(run["status"] != "FAILURE" for run in runs), runs
    return runs[0] if runs and runs[0]["status"] == "SUCCESS" else None


def wait_for(look: Callable[[], Mapping[str, Any] | None]) -> Mapping[str, Any]:
    """Look again and again until there is something to see."""
    for _ in range(int(PATIENCE / POLL)):
        if found := look():
            return found
        time.sleep(POLL)
    raise TimeoutError(f"nothing after {PATIENCE} s")


@contextmanager
def served(folder: Path, settings: Mapping[str, str]) -> Iterator[Ask]:
    """Serve the UI and yield a function that queries it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # so that the server does not ignore it, either
    with (folder / "ui.log").open("w") as log:
        process = subprocess.Popen(ui_command(port), cwd=folder, env=settings, stdout=log, stderr=log)

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
