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

from benchmarks.rows import Rows
from benchmarks.shapes import BY_NAME, ORDERS, Shape

HOST = "127.0.0.1"
END_OF_HEAD = b"\r\n\r\n"
ENVELOPE = (b'{"data":[', b"]}")
HEAD = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nX-WP-Total: %d\r\nContent-Length: %d\r\n\r\n"
Content = tuple[int, bytes | memoryview]  # the number of rows on all pages, and those of this page


class Connection(asyncio.Protocol):
    """One connection: the rows of a shape in the storefront's dialect, and the children of each.

    The first part of a path is the latency in ms: ``/50/orders`` responds after 50 ms.
    """

    transport: asyncio.Transport

    def __init__(self, rows: Rows) -> None:
        """Serve these rows."""
        self.rows, self.buffer = rows, b""

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
            latency, *path = url.path.strip("/").split("/")
            asyncio.get_running_loop().call_later(int(latency) / 1000, self._send, self._content(path, url.query))

    def _content(self, path: list[str], query: str) -> Content | None:
        shape = self.rows.shape
        match path:
            case [resource] if resource == shape.resource:
                return self._page(query)
            case [resource, key, child] if (resource, child) == (shape.resource, shape.child) and key.isdigit():
                return shape.children, self.rows.children(int(key))
        return None

    def _page(self, query: str) -> Content:
        params = {name: values[-1] for name, values in parse_qs(query).items()}
        first, last = self.rows.between(*_bounds(params))
        start = min(first + int(params.get("offset", 0)), last)
        end = min(start + min(int(params.get("per_page", 10)), self.rows.shape.page), last)
        return last - first, self.rows.page(start, end)

    def _send(self, content: Content | None) -> None:
        status = b"200 OK" if content else b"404 Not Found"
        total, rows = content or (0, b"")
        body = (ENVELOPE[0], rows, ENVELOPE[1])
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


async def _serve(rows: Rows) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(rows), HOST, 0)
    click.echo(server.sockets[0].getsockname()[1])
    # Standard input ends when the parent process closes it or ends.
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def serving(rows: int, shape: Shape = ORDERS) -> Iterator[str]:
    """Serve that many rows from a separate process and yield the address, to which a latency must be appended."""
    command = [sys.executable, "-m", "benchmarks.server", shape.name, str(rows)]
    with Popen(command, cwd=Path(__file__).parent.parent, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"the server ended with status {process.wait()}")
        yield f"http://{HOST}:{port}"


if __name__ == "__main__":
    asyncio.run(_serve(Rows(BY_NAME[sys.argv[1]], int(sys.argv[2]))))
