"""A lock between processes and threads: a file that names its holder."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from connectors_dagster.cache_files import acquire
from connectors_dagster.config.values import Duration, read
from connectors_dagster.errors import DestinationBusyError, LoadError

SIBLINGS_TIMEOUT = 3600.0


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
    wait = seconds("siblings_timeout", SIBLINGS_TIMEOUT) if timeout is None else timeout
    lock = FileLock(path, timeout=wait, poll_interval=0.1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        acquire(lock, within=path.parent)
    except Timeout:
        holder = path.read_text(encoding="utf-8", errors="replace").strip() or "an unknown process"
        raise DestinationBusyError(
            f"{path}: {holder} still holds the lock after {lock.timeout:.0f} s: wait for it or end it, then run again"
        ) from None
    except OSError as error:
        raise LoadError(
            f"{path}: {error.strerror}: the folder must exist on a disk that can be written; then retry"
        ) from None
    try:
        path.write_text(f"process {os.getpid()} ({Path(sys.argv[0]).name}), {purpose},\n", encoding="utf-8")
        yield
    finally:
        lock.release()


def seconds(name: str, default: float) -> float:
    """Read how many seconds to wait for others, from ``connectors.<name>``."""
    return read(f"connectors.{name}", Duration, default)
