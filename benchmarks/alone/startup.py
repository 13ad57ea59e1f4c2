"""The time to import the definitions, and to end a run that does nothing, with Dagster and dlt alone and with ours."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.peers.answer import say
from benchmarks.peers.settings import instance_settings

LIBRARIES = "import dagster, dlt"
DEFINITIONS = "from connectors_dagster.definitions import defs; defs()"
HELP = "from connectors_dagster.cli import main; main(['--help'])"
LIST = "from connectors_dagster.cli import main; main(['list', '--all'])"
NOTHING = """
import dagster, dlt

@dagster.asset
def nothing() -> None:
    pass

with dagster.DagsterInstance.get() as instance:
    assert dagster.materialize([nothing], instance=instance).success
"""


def main() -> None:
    """Time each in new Python processes, after a warm-up run."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= instance_settings(Path(folder))
        libraries, definitions, listed = seconds(LIBRARIES), seconds(DEFINITIONS), seconds(LIST)
        say(
            {
                "seconds to import Dagster and dlt alone": libraries,
                "seconds to import and build the definitions": definitions,
                "times as long": definitions / libraries,
                "seconds of connectors --help": seconds(HELP),
                "seconds of connectors list": listed,
                "times as long as to import Dagster and dlt": listed / libraries,
                "seconds of a run of Dagster that does nothing, with Dagster and dlt alone": seconds(NOTHING),
            }
        )


def seconds(code: str) -> float:
    """Time the second of two runs, because the first may compile modules."""
    for _ in range(2):
        started = time.monotonic()
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
