"""Files that only their owner can read: those with rows, responses or secrets."""

import logging
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import dlt

SECRETS_FILE = "secrets.toml"
OTHERS = stat.S_IRWXG | stat.S_IRWXO
log = logging.getLogger(__name__)


class _Umask:
    """The umask of the process, which threads share: the first that needs it sets it, the last restores it."""

    def __init__(self) -> None:
        self._lock, self._users, self._before = threading.Lock(), 0, 0

    def use(self) -> None:
        with self._lock:
            if self._users == 0:
                self._before = os.umask(OTHERS)
            self._users += 1

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                os.umask(self._before)


_umask = _Umask()


@contextmanager
def private_files() -> Iterator[None]:
    """Create all files of this block for their owner only; files that exist keep their permissions."""
    _umask.use()
    try:
        yield
    finally:
        _umask.release()


def warn_of_readable_secrets() -> None:
    """Warn once if other users of the machine can read a file with secrets."""
    context = dlt.current.run_context()
    for folder in (context.settings_dir, context.global_dir):
        _warn_if_readable((Path(folder) / SECRETS_FILE).absolute())


@cache
def _warn_if_readable(path: Path) -> None:
    if os.name == "posix" and path.is_file() and path.stat().st_mode & OTHERS:
        log.warning("%s can be read by other users of this machine: run `chmod 600 %s`", path, path)
