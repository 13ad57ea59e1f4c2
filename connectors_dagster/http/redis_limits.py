"""Limits of requests in Redis, which all machines share."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, cast

from pyrate_limiter import Rate, RateItem, RedisBucket

from connectors_dagster.errors import SettingError, UnreachableError

if TYPE_CHECKING:
    from redis import Redis
    from redis.lock import Lock

POLL = 0.1
LEASE = 30.0
"""Seconds after which the slots of a process that was killed are free."""
TIMEOUT = 10.0
"""Seconds to connect, for each answer, and until the turn of a process that was killed is over."""
TURN = 0.005
"""Seconds between two looks whether the turn of another process is over, which is a matter of milliseconds."""


@dataclass(frozen=True)
class RedisLimits:
    """Slots and requests as keys of a Redis.

    Args:
        url: of the server.
        name: of what is limited, such as ``storefront https://shop.example``.
        where: the server and its setting, for errors.
    """

    url: str
    name: str
    where: str
    poll: float = POLL

    def slots(self, number: int) -> Sequence["RedisSlot"]:
        """Return the slots of concurrent requests."""
        return [RedisSlot(self, f"connectors:slot:{self.name}:{slot}") for slot in range(number)]

    def rate(self, rate: Rate) -> "RedisRate":
        """Return the requests in an interval."""
        return RedisRate(self, f"connectors:rate:{self.name}", rate)

    @property
    def client(self) -> "Redis":
        """The connections of this process to the server.

        Raises:
            SettingError: the package for Redis is not installed, or its URL has a parameter that cannot be used.
        """
        return _client(self.url, self.where)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Raise an `UnreachableError` if the server does not answer: then no request may be made, to any API.

        Raises:
            SettingError: the package for Redis is not installed.
        """
        _client(self.url, self.where)
        from redis import RedisError

        try:
            yield
        except RedisError as error:
            raise UnreachableError(
                f"{self.where}: {error}. The requests of all machines are counted there, so none was made: "
                "start it or correct the setting, then run again"
            ) from None

    def ask(self) -> None:
        """Ask the server for an answer.

        Raises:
            UnreachableError: it does not answer.
            SettingError: the package for Redis is not installed, or its URL has a parameter that cannot be used.
        """
        with self.answering():
            self.client.ping()


@lru_cache(maxsize=8)
def _client(url: str, where: str) -> "Redis":
    try:
        from redis import Redis
    except ImportError:
        raise SettingError(f"{where}: the package redis is not installed: install connectors_dagster[redis]") from None
    try:
        client = Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, health_check_interval=60)
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)  # does not connect yet
    except (TypeError, ValueError) as error:
        raise SettingError(f"{where} has a parameter in its URL that cannot be used: {error}") from None
    return client


class RedisSlot:
    """A key that one process has for as long as it renews its lease."""

    def __init__(self, limits: RedisLimits, key: str) -> None:
        """Take nothing yet."""
        self._limits, self._key = limits, key

    @cached_property
    def _lock(self) -> "Lock":
        return self._limits.client.lock(self._key, timeout=LEASE, blocking=False, thread_local=False)

    def take(self) -> bool:
        """Take the slot, or return false if it is taken.

        Raises:
            UnreachableError: the server does not answer.
        """
        with self._limits.answering():
            taken = bool(self._lock.acquire())
        if taken:
            _leases.add(self._lock)
        return taken

    def give_back(self) -> None:
        """Give the slot back; if the server does not answer, its lease ends by itself."""
        from redis import RedisError

        _leases.remove(self._lock)
        with suppress(RedisError):
            self._lock.release()


class _Leases:
    """Renews the leases of all slots that this process has, in a thread that ends when it has none."""

    def __init__(self) -> None:
        self._guard, self._held = threading.Lock(), set["Lock"]()
        self._thread: threading.Thread | None = None

    def add(self, lock: "Lock") -> None:
        with self._guard:
            self._held.add(lock)
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew, name="leases of requests", daemon=True)
                self._thread.start()

    def remove(self, lock: "Lock") -> None:
        with self._guard:
            self._held.discard(lock)

    def _renew(self) -> None:
        from redis import RedisError

        while True:
            time.sleep(LEASE / 3)
            with self._guard:
                held = [*self._held]
                if not held:
                    self._thread = None
                    return
            for lock in held:
                with suppress(RedisError):  # given back meanwhile; or the server is away, as the next request will say
                    lock.reacquire()


_leases = _Leases()


class RedisRate:
    """A sliding window of requests, measured with the clock of the server, as those of machines differ.

    Processes take turns: the bucket does not count requests with a later time than the one that is put into it, so of
    two that read the clock and put their requests in the other order, both would get the last one.
    """

    def __init__(self, limits: RedisLimits, key: str, rate: Rate) -> None:
        """Ask nothing yet."""
        self._limits, self._key, self._rate = limits, key, rate
        self._threads = threading.Lock()
        self._bucket: RedisBucket | None = None

    def take(self) -> float:
        """Take one request and return 0, or return the seconds until one is allowed.

        Raises:
            UnreachableError: the server does not answer.
        """
        from redis.exceptions import NoScriptError

        with self._threads, self._limits.answering(), self._turn():
            try:
                return self._take()
            except NoScriptError:  # the server was started again, or its scripts were deleted
                self._bucket = None
            return self._take()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        from redis.exceptions import LockError

        lock = self._limits.client.lock(f"{self._key}:turn", timeout=TIMEOUT, sleep=TURN, thread_local=False)
        lock.acquire()
        try:
            yield
        finally:
            with suppress(LockError):  # this process stood still until its turn was over
                lock.release()

    def _take(self) -> float:
        bucket = self._bucket = self._bucket or self._open()
        seconds, microseconds = cast(tuple[int, int], self._limits.client.time())
        item = RateItem("request", seconds * 1000 + microseconds // 1000)
        bucket.leak(item.timestamp)
        if bucket.put(item):
            # Nothing else deletes the key of an API that nobody reads any more.
            self._limits.client.pexpire(self._key, 2 * self._rate.interval)
            return 0.0
        return max(cast(int, bucket.waiting(item)) / 1000, POLL)

    def _open(self) -> RedisBucket:
        return cast(RedisBucket, RedisBucket.init([self._rate], self._limits.client, self._key))
