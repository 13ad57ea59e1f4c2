"""How long the definitions take to import, beside Dagster and dlt alone."""

import subprocess
import sys
import time

from benchmarks.peers.answer import say

LIBRARIES = "import dagster, dlt"
DEFINITIONS = "from connectors_dagster.definitions import defs; defs()"


def main() -> None:
    """Start Python with either, once to warm up and once to time it."""
    libraries, definitions = (seconds(code) for code in (LIBRARIES, DEFINITIONS))
    say(
        {
            "seconds to import Dagster and dlt alone": libraries,
            "seconds to import and build the definitions": definitions,
            "times as long": definitions / libraries,
        }
    )


def seconds(code: str) -> float:
    """Time the second of two runs; the first may have to compile."""
    for _ in range(2):
        started = time.monotonic()
        subprocess.run([sys.executable, "-c", code], check=True)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
