"""Ends a process at its nth event: a statement of SQL, a change of a file, a request, or a statement of Dagster."""

import itertools
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce, wraps
from importlib import import_module
from pathlib import Path
from typing import Any

DESTINATIONS = {
    "duckdb": "dlt.destinations.impl.duckdb.sql_client:DuckDbSqlClient",
    "postgres": "dlt.destinations.impl.postgres.sql_client:Psycopg2SqlClient",
}
STATEMENTS = ("execute_query", "begin_transaction", "commit_transaction")
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, kw_only=True)
class Bomb:
    """A signal that a process sends itself.

    Args:
        kind: ``sql`` of the destination, ``file``, ``http``, or ``storage`` for the SQL of Dagster's own storage.
        nth: the event of this kind that sets it off; a number that is never reached does nothing.
        signal: what to send.
        target: whose process ends: ``self``, ``worker``, the grandparent, which runs the steps, or ``group``, all
            processes of this one's group.
        folder: where files count.
        trigger: a file without which no event counts.
    """

    kind: str
    nth: int
    signal: int
    folder: Path
    target: str = "self"
    trigger: Path | None = None

    def set(self) -> None:
        """Watch this process from now on."""
        numbers = itertools.count(1)

        def tick() -> None:
            if self.trigger and not self.trigger.exists():
                return
            number = next(numbers)
            if number == self.nth:
                (self.folder / "killed").touch()
                self._go_off()

        {"sql": _watch_sql, "file": self._watch_files, "http": _watch_http, "storage": _watch_storage}[self.kind](tick)

    def _go_off(self) -> None:
        if self.target == "group":
            os.killpg(0, self.signal)
        else:
            os.kill(os.getpid() if self.target == "self" else _grandparent(), self.signal)

    def _watch_files(self, tick: Callable[[], None]) -> None:
        inside = str(self.folder)

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING):
                with suppress(TypeError):
                    if os.fsdecode(arguments[0]).startswith(inside) and not str(arguments[0]).endswith("killed"):
                        tick()

        sys.addaudithook(hook)


def _watch_sql(tick: Callable[[], None]) -> None:
    for client in DESTINATIONS.values():
        for name in STATEMENTS:
            _wrap(f"{client}.{name}", before=tick)


def _watch_http(tick: Callable[[], None]) -> None:
    _wrap("requests.sessions:Session.send", before=tick, after=tick)


def _watch_storage(tick: Callable[[], None]) -> None:
    from sqlalchemy import Engine, event

    event.listen(Engine, "before_cursor_execute", lambda *_: tick())


def _wrap(name: str, *, before: Callable[[], None], after: Callable[[], None] = lambda: None) -> None:
    """Call something before and after each call of a function, named as ``module:Class.method``."""
    module, _, path = name.partition(":")
    owner, _, attribute = path.rpartition(".")
    holder: Any = reduce(getattr, owner.split("."), import_module(module))
    function = getattr(holder, attribute)

    @wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        before()
        result = function(*args, **kwargs)
        after()
        return result

    setattr(holder, attribute, watched)


def _grandparent() -> int:
    for line in Path(f"/proc/{os.getppid()}/status").read_text().splitlines():
        if line.startswith("PPid:"):
            return int(line.split()[1])
    return os.getppid()
