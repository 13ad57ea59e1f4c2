"""A sandbox in its own process, which keeps its port, so that what was loaded from it still counts."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "sandbox.json"
PORTS = range(8765, 8865)
"""Not those that an operating system gives to any program, which would often be taken after a restart."""


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """What a sandbox serves, and on which port of this machine."""

    port: int
    scale: float = 1.0


def remembered(home: Path, *, scale: float | None = None) -> Sandbox:
    """Return the last sandbox of an instance, on another port if that one is taken; remember it.

    Args:
        home: the folder of the Dagster instance that loads from the sandbox.
        scale: the amount of data; by default the same as before.
    """
    file = home / FILE
    try:
        last = Sandbox(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        last = Sandbox(port=PORTS[0])
    port = next(filter(is_free, (last.port, *PORTS)), None) or free_port()
    chosen = Sandbox(port=port, scale=last.scale if scale is None else scale)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(chosen)), encoding="utf-8")
    return chosen


@contextmanager
def sandbox_process(sandbox: Sandbox) -> Iterator[None]:
    """Serve a sandbox in its own process.

    Raises:
        RuntimeError: it does not start.
    """
    options = ["--port", str(sandbox.port), "--scale", str(sandbox.scale), "--quiet"]
    process = subprocess.Popen([sys.executable, "-m", "connectors_dagster.cli", "sandbox", *options])
    try:
        wait_until_up(process, f"http://127.0.0.1:{sandbox.port}/_counts")
        yield
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    """Find a port of this machine that no program listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Return whether a server can listen on a port of 127.0.0.1."""
    with socket.socket() as probe:
        # As servers do, so that connections that were closed a moment ago do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_until_up(process: "subprocess.Popen[bytes]", url: str, *, seconds: int = 30) -> None:
    """Wait until a server responds.

    Raises:
        RuntimeError: it ended, or did not respond within `seconds`.
    """
    for _ in range(seconds * 10):
        try:
            get(url)
            return
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None:
                raise RuntimeError(
                    f"{url}: the server ended with code {process.returncode} before it responded"
                ) from None
            time.sleep(0.1)
    raise RuntimeError(f"{url}: no response within {seconds} s")


def get(url: str) -> bytes:
    """Request a page of this machine.

    Raises:
        URLError: there is no response.
    """
    with urllib.request.urlopen(url, timeout=10) as response:
        return bytes(response.read())
