"""Limits on concurrent requests and on requests per minute, shared by processes of one machine or of all."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from pyrate_limiter import Duration, Rate

_thread = threading.local()


class Slot(Protocol):
    """A place for one request, which threads, processes and perhaps machines take in turn."""

    def take(self) -> bool:
        """Take the slot, or return false if it is taken."""

    def give_back(self) -> None:
        """Give the slot back."""


class SharedRate(Protocol):
    """The requests in an interval."""

    def take(self) -> float:
        """Take one request and return 0, or return the seconds until one is allowed."""


class LimitStore(Protocol):
    """Where the limits of one API are counted: in files, or by a server that machines share."""

    @property
    def poll(self) -> float:
        """Seconds between two looks for a free slot."""

    def slots(self, number: int) -> Sequence[Slot]:
        """Return the slots of concurrent requests."""

    def rate(self, rate: Rate) -> SharedRate:
        """Return the requests in an interval."""


@dataclass(frozen=True, kw_only=True)
class RateLimiter:
    """Limits the requests to one API; all processes with the same store share the limits.

    Args:
        store: where requests are counted.
        at_once: maximum concurrent requests.
        per_minute: maximum requests in any interval; None for no limit.
        interval: the interval of `per_minute` in milliseconds.
    """

    store: LimitStore
    at_once: int
    per_minute: int | None = None
    interval: int = Duration.MINUTE.value
    _first: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @contextmanager
    def request(self, sleep: Callable[[float], None]) -> Iterator[float]:
        """Wait until a request may be made and hold its slot while it runs; yields the seconds slept."""
        slept = 0.0
        while isinstance(slot := self._take(), float):
            sleep(slot)
            slept += slot
        try:
            yield slept
        finally:
            slot.give_back()

    def _take(self) -> Slot | float:
        """Take a slot and a request, or take nothing and return the seconds until a retry."""
        with self._first:  # cached_property itself has no lock since Python 3.12
            slots, rate = self._slots, self._rate
        slot = self._take_slot(slots)
        if slot is None:
            return self.store.poll
        wait = None
        try:
            wait = rate.take() if rate else 0.0
        finally:
            if wait != 0:
                slot.give_back()
        return wait or slot

    def _take_slot(self, slots: Sequence[Slot]) -> Slot | None:
        """Take one of the slots for concurrent requests; a thread first tries the slot it had last."""
        last: int | None = getattr(_thread, "slot", None)
        first = (random.randrange(self.at_once) if last is None else last) % self.at_once
        order = (*range(first, self.at_once), *range(first))
        _thread.slot = next((number for number in order if slots[number].take()), None)
        return None if _thread.slot is None else slots[_thread.slot]

    @cached_property
    def _slots(self) -> Sequence[Slot]:
        return self.store.slots(self.at_once)

    @cached_property
    def _rate(self) -> SharedRate | None:
        return self.store.rate(Rate(self.per_minute, self.interval)) if self.per_minute else None
