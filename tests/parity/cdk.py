"""A process of airbyte-cdk, which does one job after the other."""

import json
import os
import selectors
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PYTHON = Path(os.environ.get("AIRBYTE_PYTHON", ".venv-airbyte/bin/python"))
THEIRS = Path(__file__).with_name("theirs.py")
MOST_SECONDS = 45.0
JOBS_OF_A_PROCESS = 300
"""What the cdk keeps of a job is never freed."""


class TheirError(Exception):
    """The cdk could not do a job."""


@dataclass
class Cdk:
    """Does jobs in the environment of airbyte-cdk; a process that hangs is replaced."""

    python: Path = PYTHON
    jobs: int = field(default=0, init=False)
    _process: subprocess.Popen[str] | None = field(default=None, init=False)
    _limit: float | None = field(default=None, init=False)
    _left: float = field(default=0.0, init=False)

    def begin(self, limit: float | None) -> None:
        """Begin a manifest, whose jobs may take so many seconds together; None for any number."""
        self._limit, self._left = limit, limit or 0.0

    def resolve(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Return a manifest with its references and parameters resolved."""
        found: dict[str, Any] = self.do(operation="resolve", manifest=manifest)
        return found

    def read(self, **job: Any) -> list[tuple[str | None, dict[str, Any]]]:
        """Return the records of a stream, each with the time of its cursor."""
        return [(at, row) for at, row in self.do(operation="read", **job)]

    def render(self, **job: Any) -> list[dict[str, str | None]]:
        """Return what an expression is in several scopes."""
        found: list[dict[str, str | None]] = self.do(operation="render", **job)
        return found

    def do(self, **job: Any) -> Any:
        """Do a job.

        Raises:
            TheirError: it failed, or took too long.
        """
        if self._limit is not None and self._left <= 0:
            raise TheirError(f"no result within {self._limit:g} s for the whole manifest")
        if self.jobs and self.jobs % JOBS_OF_A_PROCESS == 0:
            self.close()
        self.jobs += 1
        process = self._process = self._process or self._start()
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(job, default=str) + "\n")
        process.stdin.flush()
        seconds = MOST_SECONDS if self._limit is None else min(MOST_SECONDS, self._left)
        began = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(seconds) else ""
        self._left -= time.monotonic() - began
        if not line:
            self.close()
            raise TheirError(f"no result within {seconds:.0f} s")
        answer = json.loads(line)
        if "error" in answer:
            if job["operation"] == "read" and not job.get("may_fail"):
                self.close()  # threads of it may go on with requests
            raise TheirError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """End the process."""
        if self._process:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    pipe.close()
        self._process = None

    def _start(self) -> subprocess.Popen[str]:
        if not self.python.exists():
            raise SystemExit(f"{self.python}: is not there; run `make parity`, or set AIRBYTE_PYTHON")
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SOURCES__"))
        }
        return subprocess.Popen(
            [self.python, THEIRS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=environment,
        )  # fmt: skip
