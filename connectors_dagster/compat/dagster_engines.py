"""The engines with which Dagster reads and writes its SQLite files.

Dagster makes an engine of SQLAlchemy for every statement (1.13), and each compiles its statements anew: a quarter of
the processor's time of a run that records many small windows. Each also opens the file, and SQLite moves the log of a
file into it whenever the last connection is closed: a third of the time that it takes to record something.
"""

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

__all__ = ["close_files", "keep_engines"]

STORAGES = (
    "dagster._core.storage.event_log.sqlite.sqlite_event_log",
    "dagster._core.storage.runs.sqlite.sqlite_run_storage",
    "dagster._core.storage.schedules.sqlite.sqlite_schedule_storage",
)
"""The modules that call `create_engine`, each by that name of its own."""
MOST = 32


class _KeptEngines:
    """Makes each engine once. They have no pool: every use opens the file anew, in any thread or forked process."""

    def __init__(self, create: Any) -> None:
        self._create, self._kept = create, dict[str, Any]()

    def __call__(self, url: str, **options: Any) -> Any:
        kind = f"{url} {options}"
        found = self._kept.get(kind)
        if found is None:
            if len(self._kept) >= MOST:  # each run has a file of its own
                self._kept.clear()
                _files.close()
            found = self._kept[kind] = self._create(url, **options)
        else:  # by its second use, the file is complete
            _files.keep_open(Path(str(found.url.database)))
        return found


class _OpenFiles:
    """A connection to each file that nobody uses, so that it is never the last one that is closed.

    SQLite cannot use a connection in two processes: none is open when a process is forked.
    """

    def __init__(self) -> None:
        self._lock, self._open = threading.Lock(), dict[Path, "sqlite3.Connection"]()
        if sys.platform != "win32":
            os.register_at_fork(
                before=self._begin_fork, after_in_parent=self._lock.release, after_in_child=self._lock.release
            )

    def keep_open(self, path: Path) -> None:
        """Open a file, unless it is open; one that is gone, or cannot be read now, stays closed."""
        import sqlite3  # definitions that are only loaded need none

        with self._lock:
            if path in self._open or not path.is_absolute():  # a database in memory has a name without a folder
                return
            with suppress(sqlite3.Error):
                opened = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=0, check_same_thread=False)
                opened.execute("SELECT count(*) FROM sqlite_master").fetchall()  # opens the log, too
                self._open[path] = opened

    def close(self) -> None:
        """Close all files; who uses one again opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _begin_fork(self) -> None:
        self._lock.acquire()
        self._close()


_files = _OpenFiles()


def close_files() -> None:
    """Close the files that are kept open, so that their logs are moved into them."""
    _files.close()


def keep_engines() -> None:
    """Keep the engines of the storages that this process has imported, which it does when it opens an instance.

    Replaces `create_engine` in their modules.
    """
    for name in STORAGES:
        module = vars(sys.modules[name]) if name in sys.modules else {}
        create = module.get("create_engine")
        if create and not isinstance(create, _KeptEngines):
            module["create_engine"] = _KeptEngines(create)
