"""A server that is a program of its own, on a free port of 127.0.0.1."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def served_program(command: Callable[[int, str], list[str]]) -> Iterator[int]:
    """Run a server and yield its port.

    Args:
        command: makes the command of a port and of a folder for its files, which is removed at the end.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="server-") as folder:
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen(command(port, folder), stdout=log, stderr=log)
        try:
            _wait(server, port)
            yield port
        finally:
            server.terminate()
            server.wait()


def _wait(server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{server.args!r} did not start (code {server.poll()})")
