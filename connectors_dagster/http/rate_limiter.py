"""Limits on concurrent requests and on requests per minute, shared by all processes of a machine."""

import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import cast

from filelock import FileLock
from pyrate_limiter import Duration, Rate, RateItem, SQLiteBucket

from connectors_dagster.files.cache_files import acquire, make_folder, move_aside
from connectors_dagster.files.shared_slot import SharedSlot

POLL = 0.02
_thread = threading.local()


@dataclass(frozen=True, kw_only=True)
class RateLimiter:
    """Limits the requests to one API; all processes with the same folder share the limits.

    Args:
        folder: contains the lock files that the processes share.
        at_once: maximum concurrent requests.
        per_minute: maximum requests in any interval; None for no limit.
        interval: the interval of `per_minute` in milliseconds.
    """

    folder: Path
    at_once: int
    per_minute: int | None = None
    interval: int = Duration.MINUTE.value
    _first: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @contextmanager
    def request(self, sleep: Callable[[float], None]) -> Iterator[float]:
        """Wait until a request may be made and hold its slot while it runs; yields the seconds slept."""
        slept = 0.0
        with ExitStack() as slot:
            while wait := self._take(slot):
                sleep(wait)
                slept += wait
            yield slept

    def _take(self, stack: ExitStack) -> float:
        """Take a slot and a request and return 0, or take nothing and return the seconds until a retry."""
        with self._first:  # cached_property itself has no lock since Python 3.12
            slots, rate = self._slots, self._rate
        with ExitStack() as taken:
            if not self._take_slot(slots, taken):
                return POLL
            if wait := rate.take() if rate else 0.0:
                return wait
            stack.push(taken.pop_all())
        return 0.0

    def _take_slot(self, slots: Sequence[SharedSlot], stack: ExitStack) -> bool:
        """Take one of the slots for concurrent requests; a thread first tries the slot it had last."""
        first = getattr(_thread, "slot", random.randrange(self.at_once)) % self.at_once
        for number in (*range(first, self.at_once), *range(first)):
            if slots[number].take():
                stack.callback(slots[number].give_back)
                _thread.slot = number
                return True
        return False

    @cached_property
    def _slots(self) -> Sequence[SharedSlot]:
        return [SharedSlot(self._made / f"{number}.lock", within=self._made) for number in range(self.at_once)]

    @cached_property
    def _made(self) -> Path:
        return make_folder(self.folder, within=self.folder.parents[1])

    @cached_property
    def _rate(self) -> "_SharedRate | None":
        return _SharedRate(self._made, Rate(self.per_minute, self.interval)) if self.per_minute else None


class _SharedRate:
    """A sliding window of requests in a file, shared by the threads of all processes.

    The file is made anew if it is damaged, deleted, exchanged, or cannot be read.
    """

    def __init__(self, folder: Path, rate: Rate) -> None:
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
