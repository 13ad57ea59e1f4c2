"""A private folder for each load, removed afterwards. The next load removes folders of killed processes."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dlt
from filelock import FileLock, Timeout

LOCK = "alive.lock"


def project_folder() -> Path:
    """Return the folder of the project whose dlt configuration is used."""
    return Path(dlt.current.run_context().run_dir).resolve()


def work_folder() -> Path:
    """Read where loads keep their files, from ``connectors.work_folder``; by default in the project folder."""
    return (project_folder() / str(dlt.config.get("connectors.work_folder") or ".connectors")).resolve()


@contextmanager
def private_folder(base: Path) -> Iterator[Path]:
    """Create a folder in `base` that no other process touches while this process runs; it is removed afterwards."""
    if base.exists():
        for _ in abandoned(base):
            continue
    with live_folder(base) as folder:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def live_folder(base: Path) -> Iterator[Path]:
    """Create a folder in `base` that counts as abandoned if it is still there after this block."""
    base.mkdir(parents=True, exist_ok=True)
    with FileLock(base / "birth.lock"):
        folder = Path(tempfile.mkdtemp(prefix="load-", dir=base))
        alive = FileLock(folder / LOCK)
        alive.acquire()
    try:
        yield folder
    finally:
        alive.release()


def abandoned(base: Path) -> Iterator[Path]:
    """Yield the private folders of killed processes; each is removed once the caller has handled it."""
    with FileLock(base / "birth.lock"):
        for folder in base.glob("load-*"):
            try:
                with FileLock(folder / LOCK, timeout=0):
                    yield folder
                    shutil.rmtree(folder, ignore_errors=True)
            except (Timeout, FileNotFoundError):
                continue
