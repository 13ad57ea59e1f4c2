"""Files in the work folder: a load makes them anew if they are damaged or gone, so that none of them can stop it."""

import logging
import os
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from filelock import BaseFileLock, Timeout

logger = logging.getLogger(__name__)
ASIDE = ".unusable"


def move_aside(path: Path, why: object) -> None:
    """Rename a file or folder that cannot be used, so that it can be made anew; the one moved before is replaced."""
    aside = path.with_name(path.name + ASIDE)
    with suppress(FileNotFoundError):  # another process was faster
        if aside.is_dir() != path.is_dir():
            aside = path.with_name(f"{path.name}{ASIDE}-{path.stat().st_ino}")
        path.replace(aside)
        logger.warning("%s cannot be used and is made anew (%s); it was moved to %s", path, why, aside)


def make_folder(folder: Path, *, within: Path) -> Path:
    """Make a folder; what is not a folder on the way to it, from `within` on, is moved aside.

    Raises:
        OSError: the folder cannot be made.
    """
    for part in [*reversed([one for one in folder.parents if one.is_relative_to(within)]), folder]:
        if (part.is_symlink() or part.exists()) and not part.is_dir():
            move_aside(part, "it is not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def acquire(lock: BaseFileLock, *, within: Path, timeout: float | None = None) -> AbstractContextManager[object]:
    """Acquire a file lock; a folder in its place, or a file of this user that cannot be opened, is moved aside.

    As a context manager, the result releases the lock at the end.

    Raises:
        Timeout: another process still holds the lock, after the seconds of `timeout` or as the lock itself says.
        OSError: the file cannot be opened. One of another user is left alone, because that user may hold the lock.
    """
    path = Path(lock.lock_file)
    try:
        return lock.acquire(timeout=timeout)
    except Timeout:
        raise
    except OSError as error:
        make_room(path, error, within=within)
    return lock.acquire(timeout=timeout)


def make_room(path: Path, error: OSError, *, within: Path) -> None:
    """Make the folder of a file that cannot be opened, and move aside what is in its place."""
    make_folder(path.parent, within=within)
    if path.is_dir() or (path.exists() and path.stat().st_uid == os.getuid()):
        move_aside(path, error.strerror)
