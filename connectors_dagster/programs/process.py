"""A process that writes lines, and that ends with this one."""

import logging
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO, Protocol

from connectors_dagster.programs.forks import forked
from connectors_dagster.rows.json_codec import dump

KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "SYSTEMROOT")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
"""What a program sees of the environment: no settings and no secrets of other connectors."""
CHUNK = 1 << 16
POLL = 0.2
LONGEST_LOG = 2_000
MOST_LOGGED = 200
log = logging.getLogger(__name__)


class Started(Protocol):
    """A process with its pipes, as `subprocess.Popen` describes it."""

    pid: int
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    stderr: IO[bytes] | None

    def wait(self) -> int:
        """Wait for its end, and return its exit status."""


class Process:
    """A program that is running.

    Args:
        command: how to start it.
        label: names it in the log.
        sleep: called while nothing is written; may raise an error to stop waiting.
        forks: whether the program can serve as the template of its processes.
    """

    def __init__(
        self, command: Sequence[str], label: str, sleep: Callable[[float], None], *, forks: bool = False
    ) -> None:
        """Start it, in a group of its own: what it starts ends with it."""
        self.label, self.sleep = label, sleep
        self._process = _started(command, forks=forks)
        self.last_words = ""
        self._logging = threading.Thread(target=self._log, args=(self._process.stderr,), daemon=True)
        self._logging.start()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def write(self, *words: object) -> None:
        """Write a line; one that a process which has ended cannot read is lost."""
        assert self._process.stdin
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{dump(list(words))}\n".encode())
            self._process.stdin.flush()

    def lines(self) -> Iterator[bytes]:
        """Yield what it writes, until it ends; a process that nobody reads from waits, so memory does not grow."""
        assert self._process.stdout
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while True:
                if not selector.select(POLL):
                    self.sleep(0)
                    continue
                if not (chunk := os.read(self._process.stdout.fileno(), CHUNK)):
                    return
                *whole, rest = (rest + chunk).split(b"\n")
                yield from whole

    def stop(self) -> None:
        """End it, and everything that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._logging.join(timeout=1)
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                assert pipe
                pipe.close()

    def status(self) -> str:
        """Say how it ended, with the last line that it logged."""
        code = self._process.wait()
        self._logging.join(timeout=1)
        how = f"by signal {-code}" if code < 0 else f"with status {code}"
        return f"{how}: {self.last_words}" if self.last_words else how

    def _log(self, stream: IO[bytes]) -> None:
        """Log what it writes to stderr, masked as everything that is logged."""
        with stream:
            for number, line in enumerate(stream):
                if text := line.decode(errors="replace").strip()[:LONGEST_LOG]:
                    self.last_words = text
                    if number < MOST_LOGGED:
                        log.info("%s: %s", self.label, text)


def _started(command: Sequence[str], *, forks: bool) -> Started:
    environment = _environment(os.environ)
    if forks and sys.platform == "linux":  # others do not fork safely, or not at all
        with suppress(OSError):  # started on its own, it says what is wrong
            return forked(command, environment)
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if name in KEPT or name.upper() in PROXIES}
