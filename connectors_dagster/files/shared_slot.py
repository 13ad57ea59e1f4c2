"""A slot that threads and processes take in turn, as a lock on a file in the work folder."""

import os
import threading
import weakref
from pathlib import Path

from filelock import lock_descriptor, unlock_descriptor

from connectors_dagster.files.cache_files import make_room


class SharedSlot:
    """A file that only one thread of one process can lock at a time.

    The file stays open, because opening it takes twenty times as long as locking it.

    Args:
        path: the file. A folder in its place, or a file of this user that cannot be opened, is moved aside.
        within: the folder that is made anew if it is gone.
    """

    def __init__(self, path: Path, *, within: Path) -> None:
        """Open nothing yet."""
        self._path, self._within, self._threads = path, within, threading.Lock()
        self._descriptor: int | None = None
        self._closing: weakref.finalize[[int], SharedSlot] | None = None

    def take(self) -> bool:
        """Lock the file, or return false if it is locked.

        Raises:
            OSError: the file cannot be opened.
        """
        if not self._threads.acquire(blocking=False):
            return False
        taken = False
        try:
            while not self._is_current():
                self._open()
            assert self._descriptor is not None
            taken = lock_descriptor(self._descriptor, blocking=False)
        finally:
            if not taken:
                self._threads.release()
        return taken

    def give_back(self) -> None:
        """Unlock the file."""
        assert self._descriptor is not None
        unlock_descriptor(self._descriptor)
        self._threads.release()

    def _is_current(self) -> bool:
        """Return whether the file that is open is the one at the path; another process may have made it anew."""
        try:
            return self._descriptor is not None and os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except OSError:
            return False

    def _open(self) -> None:
        if self._closing is not None:
            self._closing()
        try:
            self._descriptor = _open(self._path)
        except OSError as error:
            make_room(self._path, error, within=self._within)
            self._descriptor = _open(self._path)
        self._closing = weakref.finalize(self, os.close, self._descriptor)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
