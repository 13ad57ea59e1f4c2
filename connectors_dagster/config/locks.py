"""One at a time: a locked file that says who holds it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
from filelock import FileLock, Timeout

from connectors_dagster.errors import DestinationBusyError

SIBLINGS_TIMEOUT = 3600.0


@contextmanager
def alone(path: Path, purpose: str) -> Iterator[None]:
    """Be the only one on this machine who does something; a thread waits like a process.

    The lock ends with its process, however that ends; the file stays.

    Args:
        path: the file that is locked.
        purpose: what is done meanwhile, for those who wait.

    Raises:
        DestinationBusyError: somebody else keeps the lock; says who and for what.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=seconds("siblings_timeout", SIBLINGS_TIMEOUT), poll_interval=0.1)
    try:
        lock.acquire()
    except Timeout:
        holder = path.read_text(encoding="utf-8").strip() or "an unknown process"
        raise DestinationBusyError(
            f"{path}: {holder} still holds the lock after {lock.timeout:.0f} s: wait for it or end it, then run again"
        ) from None
    try:
        path.write_text(f"process {os.getpid()} ({Path(sys.argv[0]).name}), {purpose},\n", encoding="utf-8")
        yield
    finally:
        lock.release()


def seconds(name: str, default: float) -> float:
    """Read how long to wait for others, from ``connectors.<name>``."""
    configured: Any = dlt.config.get(f"connectors.{name}")
    return default if configured is None else float(configured)
