"""One command from start to end: seconds, CPU seconds, and the most memory its processes held at once."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE = 0.2
PROC = Path("/proc")
# What rusage counts memory in.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a command took: wall clock and CPU in seconds, memory in bytes."""

    seconds: float
    cpu: float
    memory: int
    status: int


def measure(command: Sequence[str], *, folder: Path, environment: Mapping[str, str], timeout: float) -> Usage:
    """Run a command in a session of its own; what it prints goes to `out` and `err` in the folder."""
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=err, start_new_session=True)
        deadline = threading.Timer(timeout, os.killpg, (process.pid, signal.SIGKILL))
        deadline.start()
        memory = _Memory(process.pid)
        memory.start()
        try:
            _, status, rusage = os.wait4(process.pid, 0)
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            seconds = time.monotonic() - started
            deadline.cancel()
            memory.done.set()
            memory.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    return Usage(
        seconds=seconds,
        cpu=rusage.ru_utime + rusage.ru_stime,
        # The largest single process is known exactly, the sum of all only as often as it is looked at.
        memory=max(memory.most, rusage.ru_maxrss * MAXRSS_UNIT),
        status=process.returncode,
    )


class _Memory(threading.Thread):
    """Adds up, time and again, what all processes of a session hold; what they share is counted once."""

    def __init__(self, session: int) -> None:
        super().__init__(daemon=True)
        self.session, self.most, self.done = session, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(SAMPLE):
            self.most = max(self.most, sum(_proportional_set(path) for path in _processes(self.session)))


def _processes(session: int) -> Iterator[Path]:
    for path in PROC.glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        if int(fields[3]) == session:
            yield path


def _proportional_set(path: Path) -> int:
    try:
        lines = (path / "smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
