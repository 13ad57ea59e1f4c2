"""Where Dagster keeps what runs record, and a year of it made of one refresh: files of SQLite, or Postgres."""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import databases

TELEMETRY = "telemetry: {enabled: false}\n"
EVENTS, RUNS = ("event_logs", "asset_check_executions"), ("runs", "run_tags")
"""The tables with rows of each run."""
NUMBERS = "WITH RECURSIVE numbers (copy) AS (SELECT 1 UNION ALL SELECT copy + 1 FROM numbers WHERE copy < ?)"


@dataclass(frozen=True)
class Files:
    """Files of SQLite in the folder of an instance: shared ones, and one for each run."""

    home: Path

    configuration = TELEMETRY

    @property
    def shared(self) -> tuple[Path, Path]:
        """The files with the events of assets, and with the list of runs."""
        return self.home / "history" / "runs" / "index.db", self.home / "history" / "runs.db"

    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(path.stat().st_size for path in self.home.rglob("*") if path.is_file())

    def multiply(self, run_ids: Sequence[str], copies: int) -> None:
        """Copy what runs have recorded in the shared files, an hour later each time."""
        for file, tables in zip(self.shared, (EVENTS, RUNS), strict=True):
            with sqlite3.connect(file) as database:
                for table in tables:
                    columns = [name for _, name, *_ in database.execute(f"PRAGMA table_info({table})")]
                    new_id, later = "printf('%012d', copy)", "datetime(timestamp, copy || ' hours')"
                    copied, marks = _copied(table, columns, new_id, later), ", ".join("?" * len(run_ids))
                    where = f"WHERE run_id IN ({marks}) ORDER BY copy, id"
                    database.execute(f"{NUMBERS} {copied} {where}", [copies, *run_ids])

    def figures(self, run_ids: Sequence[str], refreshes: int) -> dict[str, float]:
        """Return the sizes after so many refreshes like the one of these runs."""
        of_runs = sum(path.stat().st_size for run_id in run_ids for path in self.home.rglob(f"{run_id}.db"))
        return {
            "MB of the shared files after a year": sum(path.stat().st_size for path in self.shared) / 1e6,
            "MB of the files of runs after a year": of_runs * refreshes / 1e6,
        }

    def complete(self, run_ids: Sequence[str]) -> None:
        """Give copied runs the file that each run has."""
        folder = self.home / "history" / "runs"
        example = next(path for path in folder.glob("*-*.db") if path.stem not in run_ids)
        for run_id in run_ids:
            shutil.copy(example, folder / f"{run_id}.db")


@dataclass(frozen=True)
class Server:
    """A database of Postgres."""

    url: str

    @property
    def configuration(self) -> str:
        """The text of `dagster.yaml`."""
        url = self.url.replace("postgresql://", "postgresql+psycopg2://")
        return f"{TELEMETRY}storage: {{postgres: {{postgres_url: '{url}'}}}}\n"

    def size(self) -> int:
        """Return the bytes of the database."""
        [(size,)] = self._execute("SELECT pg_database_size(current_database())")
        return int(size)

    def multiply(self, run_ids: Sequence[str], copies: int) -> None:
        """Copy what runs have recorded, an hour later each time."""
        described = "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"
        for table in (*EVENTS, *RUNS):
            columns = [name for (name,) in self._execute(described, table)]
            new_id, later = "lpad(copy::text, 12, '0')", "timestamp + copy * interval '1 hour'"
            self._execute(
                "WITH numbers AS (SELECT generate_series(1, %s) AS copy) "
                f"{_copied(table, columns, new_id, later)} WHERE run_id = ANY(%s) ORDER BY copy, id",
                copies,
                list(run_ids),
            )
        self._execute("ANALYZE")

    def figures(self, run_ids: Sequence[str], refreshes: int) -> dict[str, float]:  # noqa: ARG002  # all is copied here
        """Return the size after all refreshes."""
        return {"MB of the database after a year": self.size() / 1e6}

    def complete(self, run_ids: Sequence[str]) -> None:
        """Do nothing: all runs have all they have in the same tables."""

    def _execute(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        import psycopg2

        with psycopg2.connect(self.url) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def opened(name: str, home: Path) -> Iterator[Files | Server]:
    """Yield a new storage for an instance in a folder: `sqlite`, or `postgres`, which runs meanwhile."""
    if name == "sqlite":
        yield Files(home)
    else:
        with databases.empty() as url:
            yield Server(url)


def _copied(table: str, columns: Sequence[str], new_id: str, later: str) -> str:
    """Return the statement that copies the rows of a table for each of `numbers`, but for its condition."""
    run_id = f"substr(run_id, 1, 24) || {new_id}"
    changed = {
        "run_id": run_id,
        **{name: f"replace({name}, run_id, {run_id})" for name in ("event", "run_body", "evaluation_event")},
        "timestamp": later,
        **{name: f"{name} + 3600 * copy" for name in ("start_time", "end_time")},
    }
    kept = [name for name in columns if name != "id"]
    names, values = (", ".join(values) for values in (kept, [changed.get(name, name) for name in kept]))
    return f"INSERT INTO {table} ({names}) SELECT {values} FROM numbers CROSS JOIN {table}"
