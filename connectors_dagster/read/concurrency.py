"""Several iterators read concurrently by threads, as one stream; and what is read ahead of its turn."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")
POLL = 0.2
_here = threading.local()


class AbandonedError(Exception):
    """Nobody waits for a thread any more: the consumer has stopped reading, or the waits were ended."""


def pause(seconds: float) -> None:
    """Sleep; in a thread of `Interleaved` or `Ahead`, stop when nobody waits for it any more.

    Raises:
        AbandonedError: the consumer has stopped reading, or another thread has ended the waits.
    """
    wake: threading.Event | None = getattr(_here, "wake", None)
    if wake is None:
        time.sleep(seconds)
    elif wake.wait(seconds):
        raise AbandonedError


def end_waits() -> None:
    """End the waits of all threads of the `Interleaved` that this thread belongs to, from now on."""
    wake: threading.Event | None = getattr(_here, "wake", None)
    if wake is not None:
        wake.set()


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Interleaved(Generic[T]):
    """Yields the items of all sources, in order within a source; the first error ends all of them.

    Threads stay at most a few items ahead of the consumer, and a source is made when a thread is free for it, so memory
    does not grow with the sources.
    """

    def __init__(self, sources: Iterable[Iterator[T]], *, workers: int) -> None:
        """Read with up to `workers` threads; nothing starts before the first item is requested."""
        self.workers = workers
        self._sources, self._lock = iter(sources), threading.Lock()
        self._ready: Queue[T | _End] = Queue(maxsize=2 * workers)
        self._stop, self._wake = threading.Event(), threading.Event()

    def __iter__(self) -> Iterator[T]:
        """Start the threads and yield their items; closing the iterator stops them."""
        with ThreadPoolExecutor(self.workers, thread_name_prefix="read") as pool:
            for _ in range(self.workers):
                pool.submit(copy_context().run, self._drain)  # requests belong to the trace of the consumer
            try:
                yield from self._collect(self.workers)
            finally:
                self._stop.set()
                self._wake.set()

    def _collect(self, running: int) -> Iterator[T]:
        while running:
            item = self._take()
            if isinstance(item, _End):
                running -= 1
                if item.error:
                    raise item.error
            else:
                yield item

    def _take(self) -> T | _End:
        abandoned: threading.Event | None = getattr(_here, "wake", None)
        while abandoned:
            if abandoned.is_set():
                raise AbandonedError
            try:
                return self._ready.get(timeout=POLL)
            except Empty:
                continue
        return self._ready.get()

    def _next(self) -> Iterator[T] | None:
        with self._lock:
            return next(self._sources, None)

    def _drain(self) -> None:
        error: BaseException | None = None
        _here.wake = self._wake
        try:
            while source := self._next():
                for item in source:
                    if not self._put(item):
                        return
        except BaseException as caught:  # noqa: BLE001  # the consumer raises it
            error = caught
        self._put(_End(error))

    def _put(self, item: T | _End) -> bool:
        while not self._stop.is_set():
            try:
                self._ready.put(item, timeout=POLL)
                return True
            except Full:
                continue
        return False


class Ahead(Generic[T]):
    """Calls a function in a thread of its own before its result is needed; leaving the block abandons the call."""

    def __init__(self) -> None:
        """Call nothing yet."""
        self._wake, self._thread = threading.Event(), ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._call: Future[T] | None = None

    def start(self, function: Callable[[], T]) -> None:
        """Call a function; the result of the one before must have been taken."""
        assert self._call is None
        self._call = self._thread.submit(copy_context().run, self._run, function)

    def take(self) -> T | None:
        """Wait for the result of the call, or raise its error; None if nothing was called."""
        call, self._call = self._call, None
        return None if call is None else call.result()

    def __enter__(self) -> "Ahead[T]":
        """Begin the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the call."""
        self._wake.set()
        self._thread.shutdown()

    def _run(self, function: Callable[[], T]) -> T:
        _here.wake = self._wake
        return function()
