"""Dagster's storage after a year of hourly refreshes: ``python -m benchmarks.alone.year [STORAGE [REFRESHES]]``.

In an empty folder; the storage is `sqlite` or `postgres`. One connector is loaded, and refreshed once; what that
refresh has recorded is copied in the storage, with new ids and times.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

from benchmarks.alone.storages import Files, Server, opened
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


def main(name: str, refreshes: int) -> None:
    """Print sizes and times after one refresh, after all of them, and after a prune."""
    home = Path(".dagster").absolute()
    os.environ |= {**connector_settings(CONNECTOR, {}), "DAGSTER_HOME": str(home), "CONNECTORS__ENABLED": CONNECTOR}
    home.mkdir()
    with opened(name, home) as storage, running(generate_tables()) as port:
        (home / "dagster.yaml").write_text(storage.configuration, encoding="utf-8")
        os.environ |= environment(port)
        refresh()
        before = storage.size()
        ids = refresh()
        grown = storage.size() - before
        figures = {"runs of a refresh": len(ids), "MB in the beginning": before / 1e6, "KB of a refresh": grown / 1e3}
        figures["seconds of a tick in the beginning"] = tick()
        storage.multiply(ids, refreshes - 1)
        figures |= storage.figures(ids, refreshes)
        figures["seconds of a tick after a year"] = tick()
        figures |= prune(storage)
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


def prune(storage: Files | Server) -> dict[str, float]:
    """Delete some of the runs as `connectors prune` does; returns what it took for each."""
    later = clock.now() + timedelta(days=800)
    with open_instance(Path.cwd()) as instance:
        with timed() as found:
            old = old_runs(instance, load_location().enabled, later)
        storage.complete(old[:DELETED])
        with timed() as deleted:
            list(delete_runs(instance, old[:DELETED]))
        kept = instance.get_runs_count() + DELETED - len(old)
    return {
        "runs that a prune deletes": len(old),
        "runs that it keeps": kept,
        "seconds to find them": found["cpu"],
        "milliseconds to delete one": deleted["cpu"] / DELETED * 1000,
    }


if __name__ == "__main__":
    main(sys.argv[1] if sys.argv[1:] else "sqlite", int(sys.argv[2]) if sys.argv[2:] else REFRESHES)
