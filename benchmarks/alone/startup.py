"""The time to import the definitions, compared with Dagster and dlt alone."""

import subprocess
import sys
import time

from benchmarks.peers.answer import say

LIBRARIES = "import dagster, dlt"
DEFINITIONS = "from connectors_dagster.definitions import defs; defs()"


def main() -> None:
    """Time both in new Python processes, after a warm-up run of each."""
    libraries, definitions = (seconds(code) for code in (LIBRARIES, DEFINITIONS))
    say(
        {
            "seconds to import Dagster and dlt alone": libraries,
            "seconds to import and build the definitions": definitions,
            "times as long": definitions / libraries,
        }
    )


def seconds(code: str) -> float:
    """Time the second of two runs, because the first may compile modules."""
    for _ in range(2):
        started = time.monotonic()
        subprocess.run([sys.executable, "-c", code], check=True)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
