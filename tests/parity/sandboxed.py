"""The project's sandbox in the place of a vendor's host: requests are counted, and links lead back to it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors_dagster.sandbox import build_app, generate_tables, serving

MOST_REQUESTS = 1_000
LINK = re.compile(rb"https://api\.paddle\.com")
CONTACT = b"Comparison (comparison@example.com)"


@dataclass
class Sandboxed:
    """Serves the sandbox.

    Args:
        app: the sandbox.
        asked: the requests since it was last cleared. After a thousand, all get status 403.
        with_contact: whether every request gets a User-Agent that names a contact, whatever it came with.
    """

    app: ASGIApp
    asked: Counter[str] = field(default_factory=Counter)
    with_contact: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        self.asked[f"{scope['path']}?{scope['query_string'].decode()}"] += 1
        if self.asked.total() > MOST_REQUESTS:
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b'"too many requests for one list"'})
            return
        if self.with_contact:
            scope = {**scope, "headers": [*_without(b"user-agent", scope["headers"]), (b"user-agent", CONTACT)]}
        started: list[Message] = []

        async def respond(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            host, port = scope["server"]
            body = LINK.sub(f"http://{host}:{port}/paddle".encode(), message.get("body", b""))
            length = (b"content-length", str(len(body)).encode())
            await send({**started[0], "headers": [*_without(b"content-length", started[0]["headers"]), length]})
            await send({**message, "body": body})

        await self.app(scope, receive, respond)


def _without(name: bytes, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [header for header in headers if header[0] != name]


@contextmanager
def sandboxed(scale: float) -> Iterator[tuple[Sandboxed, int]]:
    """Serve freshly generated tables; yield the sandbox and its port."""
    sandbox = Sandboxed(build_app(generate_tables(scale=scale)))
    with serving(sandbox, port=0) as port:
        yield sandbox, port
