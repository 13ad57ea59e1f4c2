"""A private folder for each load, removed afterwards. The next load removes folders of killed processes."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import dlt
from filelock import FileLock, Timeout

from connectors_dagster.config.timeouts import siblings_timeout
from connectors_dagster.config.values import environment
from connectors_dagster.errors import LoadError, SettingError
from connectors_dagster.files.cache_files import acquire, make_folder, move_aside
from connectors_dagster.files.kept_secrets import KeptSecrets

LOCK = "alive.lock"


def project_folder() -> Path:
    """Return the folder of the project whose dlt configuration is used."""
    return Path(dlt.current.run_context().run_dir).resolve()


def work_folder() -> Path:
    """Read where loads keep their files, from ``connectors.work_folder``; by default in the project folder.

    Raises:
        SettingError: what is configured is not a folder; it is somebody's file, so it is not moved aside.
    """
    configured: Any = dlt.config.get("connectors.work_folder")
    folder = (project_folder() / str(configured or ".connectors")).resolve()
    if configured and folder.exists() and not folder.is_dir():
        raise SettingError(
            f"{environment('connectors.work_folder')} is {folder}, which is not a folder: set the path of a folder"
        )
    return folder


def work_subfolder(*names: str) -> Path:
    """Return a folder in the work folder, and make it; what is in its place and is no folder is moved aside.

    Raises:
        LoadError: it cannot be made.
    """
    work = work_folder()
    folder = work.joinpath(*names)
    try:
        return make_folder(folder, within=work)
    except OSError as error:
        raise LoadError(f"{folder}: {error.strerror}: the folder must be on a disk that can be written") from None


def kept_secrets() -> KeptSecrets:
    """Return the place for what takes the place of secrets in the settings, such as newer refresh tokens."""
    return KeptSecrets(folder=work_folder() / "tokens", timeout=siblings_timeout())


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
    with _birth(base):
        folder = Path(tempfile.mkdtemp(prefix="load-", dir=base))
        alive = FileLock(folder / LOCK)
        alive.acquire()
    try:
        yield folder
    finally:
        alive.release()


def abandoned(base: Path) -> Iterator[Path]:
    """Yield the private folders of killed processes; each is removed once the caller has handled it."""
    with _birth(base):
        for folder in base.glob("load-*"):
            if not folder.is_dir():
                move_aside(folder, "it is not a folder")
                continue
            try:
                held = acquire(FileLock(folder / LOCK, timeout=0), within=folder)
            except (Timeout, FileNotFoundError):
                continue
            with held:
                yield folder
                shutil.rmtree(folder, ignore_errors=True)


def _birth(base: Path) -> AbstractContextManager[object]:
    """Hold the lock under which private folders appear and disappear."""
    return acquire(FileLock(base / "birth.lock"), within=base)
