"""A server that costs next to nothing: it sends slices of bytes made beforehand."""

import asyncio
import sys
from collections.abc import Iterator
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
Answer = tuple[int, tuple[bytes | memoryview, ...]]  # how many rows there are on all pages, and this page


class Connection(asyncio.Protocol):
    """One connection: orders in the storefront's dialect, customers in billing's.

    The first part of a path is the latency in ms: ``/50/orders`` answers after 50 ms.
    """

    transport: asyncio.Transport

    def __init__(self, orders: Orders) -> None:
        """Serve these orders."""
        self.orders, self.buffer = orders, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that has come in whole; credentials are taken as they are."""
        self.buffer += data
        while END_OF_HEAD in self.buffer:
            head, self.buffer = self.buffer.split(END_OF_HEAD, 1)
            url = urlsplit(head.split(b" ", 2)[1].decode())
            latency, _, resource = url.path.strip("/").partition("/")
            answer = self._page(url.query) if resource == "orders" else customers.answer(resource)
            asyncio.get_running_loop().call_later(int(latency) / 1000, self._send, answer)

    def _page(self, query: str) -> Answer:
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        first, last = self.orders.between(*(_instant(asked.get(f"modified_{side}")) for side in ("after", "before")))
        start = min(first + int(asked.get("offset", 0)), last)
        end = min(start + min(int(asked.get("per_page", 10)), MOST_PER_PAGE), last)
        return last - first, (ENVELOPE[0], self.orders.page(start, end), ENVELOPE[1])

    def _send(self, answer: Answer | None) -> None:
        status = b"200 OK" if answer else b"404 Not Found"
        total, body = answer or (0, (b"{}",))
        self.transport.writelines((HEAD % (status, total, sum(map(len, body))), *body))


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    return int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp())


async def _serve(orders: Orders) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(orders), HOST, 0)
    click.echo(server.sockets[0].getsockname()[1])
    # Until whoever started this closes it, or dies.
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def serving(rows: int) -> Iterator[str]:
    """Serve that many orders from a process of its own and yield the address, which wants a latency appended."""
    command = [sys.executable, "-m", "benchmarks.server", str(rows)]
    with Popen(command, cwd=Path(__file__).parent.parent, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"the server ended with status {process.wait()}")
        yield f"http://{HOST}:{port}"


if __name__ == "__main__":
    asyncio.run(_serve(Orders(int(sys.argv[1]))))
