"""A server with almost no cost: it sends slices of prepared bytes."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, Popen
from urllib.parse import parse_qs, urlsplit

import click

from benchmarks import customers
from benchmarks.orders import Orders

HOST = "127.0.0.1"
END_OF_HEAD = b"\r\n\r\n"
MOST_PER_PAGE = 100
ENVELOPE = (b'{"data":[', b"]}")
HEAD = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nX-WP-Total: %d\r\nContent-Length: %d\r\n\r\n"
Content = tuple[int, tuple[bytes | memoryview, ...]]  # the number of rows on all pages, and the body of this page


class Connection(asyncio.Protocol):
    """One connection: orders in the storefront's dialect, customers in billing's.

    The first part of a path is the latency in ms: ``/50/orders`` responds after 50 ms.
    """

    transport: asyncio.Transport

    def __init__(self, orders: Orders) -> None:
        """Serve these orders."""
        self.orders, self.buffer = orders, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to send responses."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Respond to every request that has arrived completely; credentials are not checked."""
        self.buffer += data
        while END_OF_HEAD in self.buffer:
            head, self.buffer = self.buffer.split(END_OF_HEAD, 1)
            url = urlsplit(head.split(b" ", 2)[1].decode())
            latency, _, resource = url.path.strip("/").partition("/")
            content = self._page(url.query) if resource == "orders" else customers.respond(resource)
            asyncio.get_running_loop().call_later(int(latency) / 1000, self._send, content)

    def _page(self, query: str) -> Content:
        params = {name: values[-1] for name, values in parse_qs(query).items()}
        first, last = self.orders.between(*_bounds(params))
        start = min(first + int(params.get("offset", 0)), last)
        end = min(start + min(int(params.get("per_page", 10)), MOST_PER_PAGE), last)
        return last - first, (ENVELOPE[0], self.orders.page(start, end), ENVELOPE[1])

    def _send(self, content: Content | None) -> None:
        status = b"200 OK" if content else b"404 Not Found"
        total, body = content or (0, (b"{}",))
        self.transport.writelines((HEAD % (status, total, sum(map(len, body))), *body))


def _bounds(params: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Return the bounds, both exclusive; with `modified_from` and `modified_until`, a request names inclusive ones."""
    after, before, start, end = (
        _seconds(params.get(f"modified_{side}")) for side in ("after", "before", "from", "until")
    )
    return after if start is None else start - 1, before if end is None else end + 1


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


async def _serve(orders: Orders) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(orders), HOST, 0)
    click.echo(server.sockets[0].getsockname()[1])
    # Standard input ends when the parent process closes it or ends.
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def serving(rows: int) -> Iterator[str]:
    """Serve that many orders from a separate process and yield the address, to which a latency must be appended."""
    command = [sys.executable, "-m", "benchmarks.server", str(rows)]
    with Popen(command, cwd=Path(__file__).parent.parent, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"the server ended with status {process.wait()}")
        yield f"http://{HOST}:{port}"


if __name__ == "__main__":
    asyncio.run(_serve(Orders(int(sys.argv[1]))))
