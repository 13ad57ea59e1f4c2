"""What the current request may take: seconds in total, and bytes of its response.

The timeouts of requests and urllib3 apply to each read from the socket, so a server that sends a byte now and then
never exceeds them. Here the socket is asked, before each read, whether time is left.
"""

import http.client
import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter

from connectors_dagster.spec.limits import Limits

PIECE = 1024 * 1024
UNCHECKED = 10_000_000
"""Bytes that a body may have after any compression: small bodies of equal rows are compressed best."""


class LimitError(Exception):
    """A response exceeds a limit; the message says which one and the setting to raise."""


@dataclass(frozen=True)
class _Budget:
    limits: Limits
    until: float

    def seconds_left(self) -> float:
        """Return the seconds left; raises LimitError if there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            seconds = f"{self.limits.max_request_seconds:g} s"
            raise LimitError(f"took longer than {seconds} in total: {self._advice('max_request_seconds')}")
        return left

    def check_size(self, size: int, received: int) -> None:
        """Refuse a body of this size, of which so many bytes were received; raises LimitError."""
        if size > self.limits.max_response_bytes:
            limit = f"{self.limits.max_response_bytes:,} bytes"
            raise LimitError(f"answered with more than {limit}: {self._advice('max_response_bytes')}")
        ratio = self.limits.max_decompression_ratio
        if size > max(UNCHECKED, received * ratio):
            raise LimitError(
                f"answered with {received:,} bytes that become more than {ratio} times as many when they are "
                f"decompressed: {self._advice('max_decompression_ratio')}"
            )

    def _advice(self, name: str) -> str:
        return f"if that is correct, raise {self.limits.setting(name)}"


_current: ContextVar[_Budget] = ContextVar("request_budget")


@contextmanager
def request_budget(limits: Limits) -> Iterator[None]:
    """Limit the requests of the block, in this thread, all together in time and each in size."""
    token = _current.set(_Budget(limits, time.monotonic() + limits.max_request_seconds))
    try:
        yield
    finally:
        _current.reset(token)


def read_body(raw: urllib3.BaseHTTPResponse) -> bytes:
    """Read and decompress a body.

    Raises:
        LimitError: it is too large, or takes too long.
        urllib3.exceptions.HTTPError: it was cut off, stalled or could not be decoded.
    """
    budget, pieces, size = _budget(), [], 0
    most = min(PIECE, budget.limits.max_response_bytes + 1)
    while piece := raw.read(most, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        try:
            budget.check_size(size, raw.tell())
        except LimitError:
            raw.close()  # what is left of the body must not be read as the response to the next request
            raise
    return b"".join(pieces)


def _budget() -> _Budget:
    return _current.get(_Budget(Limits(), inf))


class LimitedAdapter(HTTPAdapter):
    """An adapter whose requests end when their time is up."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return urllib3's pool of connections, with a limited time."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not hasattr(pool, "limits_time"):
            pool.ConnectionCls, pool.limits_time = _limited(pool.ConnectionCls), True
        return pool


@lru_cache
def _limited(connection: type[Any]) -> type[Any]:
    """Return a kind of urllib3's connections whose responses end when the time of the current request is up."""
    return type(connection.__name__, (connection,), {"response_class": _LimitedResponse})


class _LimitedResponse(http.client.HTTPResponse):
    """A response that asks before each read, of headers too, whether time is left."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_LimitedSocket(sock, self.fp.detach()))


class _LimitedSocket(io.RawIOBase):
    """The bytes that a socket receives, until the time of the current request is up."""

    def __init__(self, sock: socket.socket, received: Any) -> None:
        self._socket, self._received, self._timeout = sock, received, sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        budget = _budget()
        left, timeout = budget.seconds_left(), self._timeout
        if left >= (inf if timeout is None else timeout):
            count: int | None = self._received.readinto(buffer)
            return count
        self._socket.settimeout(left)
        try:
            count = self._received.readinto(buffer)
        except TimeoutError:
            budget.seconds_left()
            raise
        finally:
            self._socket.settimeout(timeout)
        return count

    def fileno(self) -> int:
        return int(self._received.fileno())

    def close(self) -> None:
        self._received.close()
        super().close()
