"""The engines with which Dagster reads and writes its SQLite files.

Dagster makes an engine of SQLAlchemy for every statement (1.13), and each compiles its statements anew: a quarter of
the processor's time of a run that records many small windows.
"""

import sys
from typing import Any

__all__ = ["keep_engines"]

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
            found = self._kept[kind] = self._create(url, **options)
        return found


def keep_engines() -> None:
    """Keep the engines of the storages that this process has imported, which it does when it opens an instance.

    Replaces `create_engine` in their modules.
    """
    for name in STORAGES:
        module = vars(sys.modules[name]) if name in sys.modules else {}
        create = module.get("create_engine")
        if create and not isinstance(create, _KeptEngines):
            module["create_engine"] = _KeptEngines(create)
