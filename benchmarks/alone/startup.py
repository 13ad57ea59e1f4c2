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
PROGRAMS = {"libraries": LIBRARIES, "definitions": DEFINITIONS, "help": HELP, "list": LIST, "nothing": NOTHING}
ROUNDS = 5


def main() -> None:
    """Time each in new Python processes, in turn; the fastest counts, because other programs only make them slower."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= instance_settings(Path(folder))
        rounds = [{name: seconds(code) for name, code in PROGRAMS.items()} for _ in range(ROUNDS)]
    fastest = {name: min(found[name] for found in rounds) for name in PROGRAMS}
    libraries = fastest["libraries"]
    say(
        {
            "seconds to import Dagster and dlt alone": libraries,
            "seconds to import and build the definitions": fastest["definitions"],
            "times as long": fastest["definitions"] / libraries,
            "seconds of connectors --help": fastest["help"],
            "seconds of connectors list": fastest["list"],
            "times as long as to import Dagster and dlt": fastest["list"] / libraries,
            "seconds of a run of Dagster that does nothing, with Dagster and dlt alone": fastest["nothing"],
        }
    )


def seconds(code: str) -> float:
    """Time a new process."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


if __name__ == "__main__":
    main()
