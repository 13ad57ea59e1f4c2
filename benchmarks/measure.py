"""Measures a command from start to end: seconds, CPU seconds, and the peak memory of its processes."""

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
# The unit of memory in rusage.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The usage of a command: wall clock and CPU in seconds, peak memory in bytes."""

    seconds: float
    cpu: float
    memory: int
    status: int


def measure(command: Sequence[str], *, folder: Path, environment: Mapping[str, str], timeout: float) -> Usage:
    """Run a command in its own session; its output goes to `out` and `err` in the folder."""
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
        # The peak of the largest process is exact; the sum over all processes is only sampled.
        memory=max(memory.most, rusage.ru_maxrss * MAXRSS_UNIT),
        status=process.returncode,
    )


class _Memory(threading.Thread):
    """Samples the memory of a process and all that it started; shared memory is counted once."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.most, self.done = process, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(SAMPLE):
            self.most = max(self.most, sum(_proportional_set(path) for path in _processes(self.process)))


def _processes(process: int) -> Iterator[Path]:
    """Yield the folders of a process that leads a session, of all others in it, and of the children of all of them."""
    parents: dict[int, int] = {}
    for path in PROC.glob("[0-9]*"):
        try:
            fields = (path / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended in the meantime
        parent, session = int(fields[1]), int(fields[3])
        parents[int(path.name)] = process if session == process else parent
    for number in parents:
        above = number
        while above in parents and above != process:
            above = parents[above]
        if above == process:
            yield PROC / str(number)


def _proportional_set(path: Path) -> int:
    try:
        lines = (path / "smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
