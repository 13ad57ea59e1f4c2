"""This project as people use it: the command line, all windows, a new project folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.answer import answer_table, arguments, timed
from benchmarks.peers.settings import storefront_settings
from benchmarks.task import END, START

ROOT = Path(__file__).parent.parent.parent


def main() -> None:
    """Load all orders, timed from the start of the program to its exit."""
    home = Path(".dagster")
    home.mkdir()
    shutil.copy(ROOT / ".dagster" / "dagster.yaml", home)
    span = ["--from", START.date().isoformat(), "--to", END.date().isoformat()]
    program = Path(sys.executable).parent / "connectors"
    environment = {**os.environ, **storefront_settings(*arguments()), "DAGSTER_HOME": str(home.resolve())}
    with timed() as part:
        subprocess.run([program, "run", "storefront/orders", *span], env=environment, check=True)
    answer_table("storefront.orders", part=part)


if __name__ == "__main__":
    main()
