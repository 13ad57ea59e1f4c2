"""Processes that are forks of one which has imported what they need: that takes seconds, a fork does not."""

import atexit
import os
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

ARGUMENT = "forks"
"""Tells a program to serve a `Template`: its stdin is a socket then."""
LONGEST = 32
_templates: dict[object, "Template"] = {}
_one = threading.Lock()


class Template:
    """A process that imports what others need, and becomes them; it ends with this one.

    A message with three file descriptors asks for a fork that has them as stdin, stdout and stderr; the answer is its
    number. A message with that number asks for its exit status.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it."""
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [*command, ARGUMENT],
                stdin=other.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        self._asking, self._owner = threading.Lock(), os.getpid()
        atexit.register(self.end)

    def fork(self) -> "Fork":
        """Start a process.

        Raises:
            OSError: the template has ended.
        """
        pipes = [os.pipe() for _ in range(3)]
        theirs, ours = (pipes[0][0], pipes[1][1], pipes[2][1]), (pipes[0][1], pipes[1][0], pipes[2][0])
        try:
            number = self._ask(b"-", theirs)
        except OSError:
            for one in ours:
                os.close(one)
            raise
        finally:
            for one in theirs:
                os.close(one)
        return Fork(self, number, ours)

    def status(self, number: int) -> int:
        """Wait for a fork, and return its exit status, which is negative if a signal has ended it."""
        return self._ask(str(number).encode())

    def end(self) -> None:
        """End it."""
        if os.getpid() == self._owner:  # it is not that of a fork of this process
            self._socket.close()
            self._process.wait()

    def _ask(self, word: bytes, files: Sequence[int] = ()) -> int:
        with self._asking:
            socket.send_fds(self._socket, [word], files)
            answer = self._socket.recv(LONGEST)
        if not answer:
            raise BrokenPipeError("the template has ended")
        return int(answer)


class Fork:
    """A process as `subprocess.Popen` describes it."""

    def __init__(self, template: Template, pid: int, files: Sequence[int]) -> None:
        """Take the pipes of a process that is running."""
        self.pid, self._template = pid, template
        self._status: int | None = None
        self.stdin: IO[bytes] | None = os.fdopen(files[0], "wb")
        self.stdout: IO[bytes] | None = os.fdopen(files[1], "rb")
        self.stderr: IO[bytes] | None = os.fdopen(files[2], "rb")

    def wait(self) -> int:
        """Wait for its end, and return its exit status."""
        if self._status is None:
            self._status = -9  # it has ended with its template
            with suppress(OSError):
                self._status = self._template.status(self.pid)
        return self._status


def forked(command: Sequence[str], environment: Mapping[str, str]) -> Fork:
    """Start a process of a command that serves a template; the template is kept for others.

    Raises:
        OSError: the template has ended, as it does if it cannot import what it needs.
    """
    key = (os.getpid(), *command, *sorted(environment.items()))
    with _one:
        if key not in _templates:
            _templates[key] = Template(command, environment)
        template = _templates[key]
    try:
        return template.fork()
    except OSError:
        with _one:
            _templates.pop(key, None)
        raise


def end_templates() -> None:
    """End all templates that this process has started; Python counts what they used as used by its children then."""
    with _one:
        for template in _templates.values():
            template.end()
        _templates.clear()
