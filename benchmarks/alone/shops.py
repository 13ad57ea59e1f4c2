"""The time and memory to load many shops of one connector: ``python -m benchmarks.alone.shops [SHOPS …]``."""

import os
import subprocess
import sys
from importlib import import_module
from resource import RUSAGE_SELF, getrusage

from benchmarks.measure import MAXRSS_UNIT
from benchmarks.peers.answer import say, timed

CONNECTOR = "woocommerce"
RESOURCES = 13
LOAD = "from benchmarks.alone.shops import load; load()"


def main(numbers: list[int]) -> None:
    """Load the definitions of so many shops, each time in a new process."""
    for number in numbers:
        shops = {"CONNECTORS__ENABLED": CONNECTOR, f"CONNECTORS__SHOPS__{CONNECTOR.upper()}": ",".join(names(number))}
        subprocess.run([sys.executable, "-W", "ignore", "-c", LOAD], env={**os.environ, **shops}, check=True)


def names(number: int) -> list[str]:
    """Return the names of so many shops."""
    return [f"s{one}" for one in range(number)]


def load() -> None:
    """Load the definitions as Dagster's code server does, with its snapshot, and print the figures."""
    from dagster._core.remote_representation.external_data import RepositorySnap  # noqa: TID251  # as above
    from dagster._serdes import serialize_value  # noqa: TID251  # as above

    from connectors_dagster.connectors import load_connector

    resources = ",".join(list(load_connector(CONNECTOR).graph)[:RESOURCES])
    os.environ[f"SOURCES__{CONNECTOR.upper()}__RESOURCES"] = resources
    with timed() as imports:
        definitions = import_module("connectors_dagster.definitions")
    with timed() as loading:
        repository = definitions.defs().get_repository_def()
    with timed() as snapshot:
        sent = serialize_value(RepositorySnap.from_def(repository))
    say(
        {
            "seconds of CPU to import": imports["cpu"],
            "seconds of CPU to load the definitions": loading["cpu"],
            "seconds of CPU for Dagster's snapshot": snapshot["cpu"],
            "MB of the snapshot": len(sent) / 1e6,
            "peak MB": getrusage(RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT / 1e6,
            "assets": len(repository.asset_graph.get_all_asset_keys()),
            "checks": len(repository.asset_graph.asset_check_keys),
            "jobs": len(repository.get_all_jobs()),
            "schedules and sensors": len(repository.schedule_defs) + len(repository.sensor_defs),
        }
    )


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]] or [1, 10, 100])
