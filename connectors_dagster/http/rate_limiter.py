"""How many requests an API grants: so many under way at once, and so many a minute, whichever process makes them."""

import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

from filelock import FileLock
from portalocker import AlreadyLocked, LockFlags, lock, unlock
from pyrate_limiter import Duration, Rate, RateItem, SQLiteBucket

POLL = 0.02
_here = threading.local()


@dataclass(frozen=True, kw_only=True)
class RateLimiter:
    """The requests granted to this machine; all processes with the same folder share them.

    Args:
        folder: where the processes meet.
        at_once: requests under way at once.
        per_minute: requests in any 60 seconds; None where nothing is known.
        interval: milliseconds `per_minute` is about.
    """

    folder: Path
    at_once: int
    per_minute: int | None = None
    interval: int = Duration.MINUTE.value

    @contextmanager
    def request(self, sleep: Callable[[float], None]) -> Iterator[float]:
        """Wait until a request may be made, and count it as under way meanwhile; yields the seconds slept."""
        slept = 0.0
        with ExitStack() as slot:
            while wait := self._missing(slot):
                sleep(wait)
                slept += wait
            yield slept

    def _missing(self, stack: ExitStack) -> float:
        """Take a slot and a request; returns 0, or the seconds after which to try again, with nothing taken."""
        with ExitStack() as taken:
            if not self._take_slot(taken):
                return POLL
            if wait := self._rate.take() if self._rate else 0.0:
                return wait
            stack.push(taken.pop_all())
        return 0.0

    def _take_slot(self, stack: ExitStack) -> bool:
        """Take one of as many slots as requests may be under way; a thread begins with the one it had last."""
        first = getattr(_here, "slot", random.randrange(self.at_once)) % self.at_once
        for number in (*range(first, self.at_once), *range(first)):
            if self._slots[number].take():
                stack.callback(self._slots[number].give_back)
                _here.slot = number
                return True
        return False

    @cached_property
    def _slots(self) -> "Sequence[_Slot]":
        return [_Slot(self._made / f"{number}.lock") for number in range(self.at_once)]

    @cached_property
    def _made(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder

    @cached_property
    def _rate(self) -> "_SharedRate | None":
        return _SharedRate(self._made, Rate(self.per_minute, self.interval)) if self.per_minute else None


class _Slot:
    """A file whose lock one thread of one process has.

    The file stays open, for to find it takes longer than to lock it.
    """

    def __init__(self, path: Path) -> None:
        self._threads, self._file = threading.Lock(), path.open("ab")
        weakref.finalize(self, self._file.close)

    def take(self) -> bool:
        if not self._threads.acquire(blocking=False):
            return False
        try:
            lock(self._file, LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING)
        except AlreadyLocked:
            self._threads.release()
            return False
        return True

    def give_back(self) -> None:
        unlock(self._file)
        self._threads.release()


class _SharedRate:
    """A sliding window of requests in a file, for the threads of many processes."""

    def __init__(self, folder: Path, rate: Rate) -> None:
        self._threads, self._processes = threading.Lock(), FileLock(folder / "rate.lock")
        with self._processes:
            self._bucket = SQLiteBucket.init_from_file([rate], db_path=str(folder / "rate.sqlite"))

    def take(self) -> float:
        """Take one request; returns 0, or the seconds until there may be one."""
        with self._threads, self._processes:
            item = RateItem("request", time.time_ns() // 1_000_000)
            self._bucket.leak(item.timestamp)
            return 0.0 if self._bucket.put(item) else max(cast(int, self._bucket.waiting(item)) / 1000, POLL)
