"""Limits of requests in files of the work folder, which all processes of a machine share."""

import sqlite3
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from filelock import FileLock
from pyrate_limiter import Rate, RateItem, SQLiteBucket

from connectors_dagster.files.cache_files import acquire, make_folder, move_aside
from connectors_dagster.files.shared_slot import SharedSlot

POLL = 0.02


@dataclass(frozen=True)
class FileLimits:
    """Slots and requests in the files of a folder, which is made with the first request."""

    folder: Path
    poll: float = POLL

    def slots(self, number: int) -> Sequence[SharedSlot]:
        """Return the slots of concurrent requests."""
        made = self._made()
        return [SharedSlot(made / f"{slot}.lock", within=made) for slot in range(number)]

    def rate(self, rate: Rate) -> "FileRate":
        """Return the requests in an interval."""
        return FileRate(self._made(), rate)

    def _made(self) -> Path:
        return make_folder(self.folder, within=self.folder.parents[1])


class FileRate:
    """A sliding window of requests in a file, shared by the threads of all processes.

    The file is made anew if it is damaged, deleted, exchanged, or cannot be read.
    """

    def __init__(self, folder: Path, rate: Rate) -> None:
        """Open nothing yet."""
        self._threads, self._lock = threading.Lock(), FileLock(folder / "rate.lock")
        self._folder, self._file, self._rate = folder, folder / "rate.sqlite", rate
        self._bucket: SQLiteBucket | None = None
        self._opened: tuple[int, int] | None = None

    def take(self) -> float:
        """Take one request and return 0, or return the seconds until one is allowed."""
        with self._threads:
            acquire(self._lock, within=self._folder)
            try:
                try:
                    return self._take()
                except (sqlite3.Error, OSError, ValueError, TypeError) as error:
                    self._clear(error)
                return self._take()
            finally:
                self._lock.release()

    def _clear(self, why: Exception) -> None:
        self._close()
        for name in (self._file.name, f"{self._file.name}-journal"):
            if (path := self._folder / name).exists():
                move_aside(path, why)

    def _take(self) -> float:
        bucket, item = self._open(), RateItem("request", time.time_ns() // 1_000_000)
        bucket.leak(item.timestamp)
        if bucket.put(item):
            return 0.0
        wait = cast(int, bucket.waiting(item))
        if wait > self._rate.interval:
            raise ValueError("it has requests from the future")
        return max(wait / 1000, POLL)

    def _open(self) -> SQLiteBucket:
        """Return the bucket of the file that is there now; another process may have made it anew."""
        if self._bucket is None or _identity(self._file) != self._opened:
            self._close()
            bucket = SQLiteBucket.init_from_file([self._rate], db_path=str(self._file))
            self._closing = weakref.finalize(self, bucket.close)
            self._bucket, self._opened = bucket, _identity(self._file)
        return self._bucket

    def _close(self) -> None:
        if self._bucket is not None:
            self._closing()
        self._bucket = None


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
