"""A deployment on several machines: Dagster with its instance in Postgres, and workers of Celery with own folders."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import requests
import yaml

from connectors_dagster.cli.sandbox_process import free_port, wait_until_up
from connectors_dagster.files.project_files import write_instance

ROOT = Path(__file__).parents[2]
PATIENCE = 900
"""Seconds for everything that must happen."""
REDELIVERED_AFTER = 150
"""Seconds after which another worker gets what one has begun and not finished: more than any step takes here."""
LAUNCH = """mutation($assets: [AssetKeyInput!]) {
  launchPartitionBackfill(backfillParams: {assetSelection: $assets, allPartitions: true}) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  } }"""
STATUS = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
  ... on PartitionBackfill { status error { message } } } }"""


@dataclass
class Deployment:
    """Dagster and its workers.

    Args:
        folder: has a folder for each machine.
        storage: URL of the Postgres with Dagster's instance, as SQLAlchemy spells it.
        broker: URL of the Redis that Celery uses.
        settings: environment variables of all machines.
    """

    folder: Path
    storage: str
    broker: str
    settings: Mapping[str, str]
    address: str = ""
    workers: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @contextmanager
    def running(self, workers: Sequence[str]) -> Iterator["Deployment"]:
        """Start Dagster and the workers, and end what is left of them."""
        with ExitStack() as stack:
            for name in workers:
                self.workers[name] = stack.enter_context(self._worker(name))
            stack.enter_context(self._dagster())
            yield self

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Open the instance; the first to do so makes its tables."""
        with dg.DagsterInstance.from_config(str(self._machine("dagster") / ".dagster")) as instance:
            yield instance

    def kill(self, worker: str) -> None:
        """Switch off the machine of a worker."""
        os.killpg(self.workers[worker].pid, signal.SIGKILL)
        self.workers[worker].wait()

    def backfill(self, assets: Sequence[dg.AssetKey]) -> str:
        """Launch a backfill of all partitions, as the UI does, and return its id."""
        launched = self._ask(LAUNCH, assets=[{"path": key.path} for key in assets])["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def status(self, backfill: str) -> str:
        """Return the status of a backfill."""
        found = self._ask(STATUS, id=backfill)["partitionBackfillOrError"]
        assert not found["error"], found["error"]["message"]
        return str(found["status"])

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition is true; fails with the output of all machines if that takes too long."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(
                    "\n".join(f"{log}:\n{log.read_text()[-5000:]}" for log in self.folder.glob("*/output"))
                )
            time.sleep(0.5)

    def _ask(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        return requests.post(f"{self.address}/graphql", json=body, timeout=PATIENCE).json()["data"]

    @contextmanager
    def _worker(self, name: str) -> Iterator["subprocess.Popen[bytes]"]:
        written = (ROOT / "deploy" / "celery" / "dagster_celery_config.py").read_text()
        config = self._machine(name) / "dagster_celery_config.py"
        config.write_text(written.replace("14400", str(REDELIVERED_AFTER)))
        command = ["-m", "celery", "-A", "dagster_celery.app", "worker", "-Q", "dagster", "-n", f"{name}@%h"]
        with self._started(name, [*command, "--prefetch-multiplier", "1", "--concurrency", "2"]) as process:
            yield process

    @contextmanager
    def _dagster(self) -> Iterator[None]:
        port = free_port()
        command = ["-m", "dagster", "dev", "-m", "connectors_dagster.definitions", "-h", "127.0.0.1", "-p", str(port)]
        self.address = f"http://127.0.0.1:{port}"
        with self._started("dagster", command) as process:
            wait_until_up(process, f"{self.address}/server_info", seconds=PATIENCE)
            yield

    @contextmanager
    def _started(self, name: str, arguments: Sequence[str]) -> Iterator["subprocess.Popen[bytes]"]:
        """Start a program on a machine, in a group of processes that ends with the block."""
        machine = self._machine(name)
        with (machine / "output").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=machine,
                env=self._environment(machine),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _machine(self, name: str) -> Path:
        """Make the folder of a machine, with a `dagster.yaml` that names the common storage."""
        home = self.folder / name / ".dagster"
        if not home.exists():
            write_instance(home)
            config = yaml.safe_load((home / "dagster.yaml").read_text())
            storage = {"storage": {"postgres": {"postgres_url": self.storage}}}
            (home / "dagster.yaml").write_text(yaml.safe_dump({**config, **storage}))
        return self.folder / name

    def _environment(self, machine: Path) -> dict[str, str]:
        return {
            **os.environ,
            **self.settings,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "DAGSTER_HOME": str(machine / ".dagster"),
            "CONNECTORS__WORK_FOLDER": str(machine / "work"),
            "CELERY_BROKER": self.broker,
            "CONNECTORS__EXECUTOR": "dagster_celery:celery_executor",
            "CONNECTORS__EXECUTOR_CONFIG": json.dumps(self._celery()),
        }

    def _celery(self) -> dict[str, Any]:
        """Return the configuration of Celery: what a killed worker has begun is given to another one."""
        return {
            "broker": self.broker,
            "backend": self.broker,
            "config_source": {
                "task_acks_late": True,
                "task_reject_on_worker_lost": True,
                "broker_transport_options": {"visibility_timeout": REDELIVERED_AFTER},
            },
        }
