"""A lock between processes and threads: a file that names its holder."""

import logging
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from connectors_dagster.config.timeouts import siblings_timeout
from connectors_dagster.errors import DestinationBusyError, LoadError
from connectors_dagster.files.cache_files import acquire

SAY_AFTER, SAY_EVERY = 0.5, 60.0
"""Seconds until a run says that it waits for a lock, and between two such messages."""
log = logging.getLogger(__name__)


@contextmanager
def exclusive_lock(path: Path, purpose: str, *, timeout: float | None = None) -> Iterator[None]:
    """Hold a lock that only one thread of one process on this machine can hold at a time.

    The lock is released when its process ends, even if the process is killed. The file is kept.

    Args:
        path: the file to lock.
        purpose: what is done while the lock is held; shown to those who wait.
        timeout: how many seconds to wait for others; by default as configured.

    Raises:
        DestinationBusyError: another process or thread still holds the lock; the message says which and why.
        LoadError: the file cannot be written.
    """
    wait = siblings_timeout() if timeout is None else timeout
    lock = FileLock(path, poll_interval=0.1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _acquire(lock, path, wait)
        path.write_text(f"{_describe_self(purpose)}\n", encoding="utf-8")
    except Timeout:
        raise DestinationBusyError(
            f"{path}: {_holder(path)} still holds the lock after {wait:.0f} s: wait for it or end it, then run again"
        ) from None
    except OSError as error:
        lock.release()
        raise LoadError(
            f"{path}: {error.strerror}: the folder must exist on a disk that can be written; then retry"
        ) from None
    try:
        yield
    finally:
        lock.release()


class Waiting:
    """A wait that people are told about: soon after its start, and from time to time."""

    def __init__(self) -> None:
        """Begin to wait."""
        self.since = datetime.now(UTC)
        self._began, self._told = time.monotonic(), -math.inf

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._began

    def is_due(self) -> bool:
        """Return whether to say now what is waited for."""
        if self.seconds - self._told < SAY_EVERY:
            return False
        self._told = self.seconds
        return True

    def say(self, text: str) -> str:
        """Log what is waited for and who holds it, with the time since when."""
        line = f"waiting since {self.since:%H:%M:%S} UTC for {text}"
        log.warning(line)
        return line


def _acquire(lock: FileLock, path: Path, timeout: float) -> None:
    waiting, turn = Waiting(), SAY_AFTER
    while True:
        left = timeout - waiting.seconds
        try:
            acquire(lock, within=path.parent, timeout=max(0.0, min(left, turn)))
            return
        except Timeout:
            if left <= turn:
                raise
        turn = SAY_EVERY
        waiting.say(f"{path}, which {_holder(path)} holds")


def _describe_self(purpose: str) -> str:
    return f"process {os.getpid()} ({Path(sys.argv[0]).name}), {purpose} since {datetime.now(UTC):%H:%M:%S} UTC,"


def _holder(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip().rstrip(",") or "an unknown process"
