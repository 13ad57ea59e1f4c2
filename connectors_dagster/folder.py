"""A private folder for every load, removed afterwards; those of killed processes are removed by the next load."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = "alive.lock"


@contextmanager
def private_folder(base: Path) -> Iterator[Path]:
    """Make a folder below `base` that no other load touches while this one lives."""
    base.mkdir(parents=True, exist_ok=True)
    _sweep(base)
    with FileLock(base / "birth.lock"):
        folder = Path(tempfile.mkdtemp(prefix="load-", dir=base))
        alive = FileLock(folder / LOCK)
        alive.acquire()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        alive.release()


def _sweep(base: Path) -> None:
    with FileLock(base / "birth.lock"):
        for folder in base.glob("load-*"):
            try:
                with FileLock(folder / LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
            except (Timeout, FileNotFoundError):
                continue
