"""A private folder for every load, removed afterwards; those of killed processes are removed by the next load."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dlt
from filelock import FileLock, Timeout

LOCK = "alive.lock"


def project_folder() -> Path:
    """Return the folder that dlt's configuration belongs to."""
    return Path(dlt.current.run_context().run_dir).resolve()


def work_folder() -> Path:
    """Read where loads keep their files, from ``connectors.work_folder``; by default in the project folder."""
    return (project_folder() / str(dlt.config.get("connectors.work_folder") or ".connectors")).resolve()


@contextmanager
def private_folder(base: Path) -> Iterator[Path]:
    """Make a folder below `base` that no other process touches while this one lives."""
    base.mkdir(parents=True, exist_ok=True)
    for _ in abandoned(base):
        continue
    with FileLock(base / "birth.lock"):
        folder = Path(tempfile.mkdtemp(prefix="load-", dir=base))
        alive = FileLock(folder / LOCK)
        alive.acquire()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        alive.release()


def abandoned(base: Path) -> Iterator[Path]:
    """Yield the private folders whose process has ended without a word; each is removed after it was looked at."""
    with FileLock(base / "birth.lock"):
        for folder in base.glob("load-*"):
            try:
                with FileLock(folder / LOCK, timeout=0):
                    yield folder
                    shutil.rmtree(folder, ignore_errors=True)
            except (Timeout, FileNotFoundError):
                continue
