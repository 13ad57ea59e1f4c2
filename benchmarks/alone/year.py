"""Dagster's storage after a year of hourly refreshes: ``python -m benchmarks.alone.year [REFRESHES]``.

In an empty folder. One connector is loaded, and refreshed once; what that refresh has recorded is copied in SQLite,
with new ids and times.
"""

import os
import shutil
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

from benchmarks.peers.answer import say, timed
from benchmarks.peers.settings import connector_settings
from connectors_dagster.definitions import definitions_in
from connectors_dagster.orchestration import clock, recorded, runs
from connectors_dagster.orchestration.instance import open_instance
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.missing import plan_missing
from connectors_dagster.orchestration.prune import delete_runs, old_runs
from connectors_dagster.orchestration.selection import select
from connectors_dagster.sandbox import environment, generate_tables, running

CONNECTOR = "storefront"
REFRESHES = 24 * 365
DELETED = 100
NEW_ID = "substr(run_id, 1, 24) || printf('%012d', copy)"
COPIED = {
    "run_id": NEW_ID,
    **{name: f"replace({name}, run_id, {NEW_ID})" for name in ("event", "run_body")},
    "timestamp": "datetime(timestamp, copy || ' hours')",
    **{name: f"{name} + 3600 * copy" for name in ("start_time", "end_time")},
}
"""How the columns of a copied row differ from those of the row."""
NUMBERS = "WITH RECURSIVE numbers (copy) AS (SELECT 1 UNION ALL SELECT copy + 1 FROM numbers WHERE copy < ?)"


def main(refreshes: int) -> None:
    """Print sizes and times after one refresh, after all of them, and after a prune."""
    home = Path(".dagster").absolute()
    os.environ |= {**connector_settings(CONNECTOR, {}), "DAGSTER_HOME": str(home), "CONNECTORS__ENABLED": CONNECTOR}
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    with running(generate_tables()) as port:
        os.environ |= environment(port)
        refresh()
        before = size(home)
        ids = refresh()
        grown = size(home) - before
        figures = {"runs of a refresh": len(ids), "MB in the beginning": before / 1e6, "KB of a refresh": grown / 1e3}
        figures["seconds of a tick in the beginning"] = tick()
        files = sum(path.stat().st_size for run_id in ids for path in home.rglob(f"{run_id}.db"))
        multiply(home, ids, refreshes - 1)
        figures["MB of the shared files after a year"] = sum(path.stat().st_size for path in shared(home)) / 1e6
        figures["MB of the files of runs after a year"] = files * refreshes / 1e6
        figures["seconds of a tick after a year"] = tick()
        figures |= prune()
    say(figures)


def refresh() -> list[str]:
    """Load what is missing; returns the ids of the runs."""
    location = load_location()
    with open_instance(Path.cwd()) as instance:
        known = set(instance.get_run_ids())
        plans = list(plan_missing(instance, select(location, [CONNECTOR])))
        if errors := runs.execute(definitions_in(location), instance, plans).errors:
            raise SystemExit("\n".join(errors))
        return [run_id for run_id in instance.get_run_ids() if run_id not in known]


def tick() -> float:
    """Return the seconds to find out what is missing, in a process that has not looked before."""
    recorded._known.clear()
    with open_instance(Path.cwd()) as instance, timed() as part:
        list(plan_missing(instance, select(load_location(), [CONNECTOR])))
    return part["cpu"]


def shared(home: Path) -> list[Path]:
    """Return the databases with the events of assets, and with runs."""
    return [home / "history" / "runs" / "index.db", home / "history" / "runs.db"]


def multiply(home: Path, run_ids: list[str], copies: int) -> None:
    """Copy what runs have recorded in the shared files, an hour later each time."""
    for file, tables in zip(shared(home), (("event_logs",), ("runs", "run_tags")), strict=True):
        with sqlite3.connect(file) as database:
            for table in tables:
                columns = [name for _, name, *_ in database.execute(f"PRAGMA table_info({table})") if name != "id"]
                copied = ", ".join(COPIED.get(name, f'"{name}"') for name in columns)
                names = ", ".join(f'"{name}"' for name in columns)
                database.execute(
                    f"{NUMBERS} INSERT INTO {table} ({names}) SELECT {copied} FROM numbers CROSS JOIN {table} "
                    f"WHERE run_id IN ({', '.join('?' * len(run_ids))}) ORDER BY copy, id",
                    [copies, *run_ids],
                )


def prune() -> dict[str, float]:
    """Delete some of the runs as `connectors prune` does; returns what it took for each."""
    later = clock.now() + timedelta(days=800)
    folder = Path(".dagster", "history", "runs")
    with open_instance(Path.cwd()) as instance:
        file = next(path for run_id in instance.get_run_ids() if (path := folder / f"{run_id}.db").exists())
        with timed() as found:
            old = old_runs(instance, load_location().enabled, later)
        for run_id in old[:DELETED]:  # a copied run has no file yet
            shutil.copy(file, folder / f"{run_id}.db")
        with timed() as deleted:
            list(delete_runs(instance, old[:DELETED]))
        kept = instance.get_runs_count() + DELETED - len(old)
    return {
        "runs that a prune deletes": len(old),
        "runs that it keeps": kept,
        "seconds to find them": found["cpu"],
        "milliseconds to delete one": deleted["cpu"] / DELETED * 1000,
    }


def size(folder: Path) -> int:
    """Return the bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else REFRESHES)
