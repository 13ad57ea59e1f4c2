"""A server of raw bytes: it sends prepared replies, breaks connections, and records the requests."""

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

Reply = Callable[[socket.socket], None]


def reply(body: Any = None, status: str = "200 OK", *, length: int | None = None, **headers: str) -> Reply:
    """Reply with a body (JSON unless it is bytes); `length` replaces the true Content-Length."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    fields = {"Content-Type": "application/json", "Connection": "close"}
    fields["Content-Length"] = str(len(content) if length is None else length)
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return lambda connection: connection.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + content)


def reset(connection: socket.socket) -> None:
    """Reset the connection without a reply."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(connection: socket.socket) -> None:
    """Send nothing until the caller gives up."""
    with suppress(OSError):
        connection.recv(1)


def stalled(connection: socket.socket) -> None:
    """Send half a body, then nothing until the caller gives up."""
    reply(b'{"data": [', length=1000)(connection)
    silent(connection)


@dataclass
class Wire:
    """Sends the next reply on each connection; the last reply is repeated forever.

    `received` contains each request as text; a failed handshake adds nothing.
    """

    replies: list[Reply] = field(default_factory=lambda: [reply({"data": []})])
    received: list[str] = field(default_factory=list)
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    connections: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [text.split(" ")[1] for text in self.received]

    @contextmanager
    def served(self) -> Iterator["Wire"]:
        """Listen on a free port, or on `port`, until the block ends."""
        with socket.create_server((self.host, self.port)) as listener:
            self.port = listener.getsockname()[1]
            thread = threading.Thread(target=self._accept, args=(listener,), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.connections += 1
                with suppress(OSError), self._encrypted(connection) as stream:
                    self._serve(stream)

    def _encrypted(self, connection: socket.socket) -> socket.socket:
        return self.tls.wrap_socket(connection, server_side=True) if self.tls else connection

    def _serve(self, connection: socket.socket) -> None:
        text = b""
        while b"\r\n\r\n" not in text:
            if not (received := connection.recv(65536)):
                return
            text += received
        length = re.search(rb"(?i)content-length: (\d+)", text)
        while length and len(text.partition(b"\r\n\r\n")[2]) < int(length[1]):
            text += connection.recv(65536)
        self.received.append(text.decode("latin-1"))
        send = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        send(connection)
