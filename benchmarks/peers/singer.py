"""A Singer tap piped into target-duckdb or target-postgres."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.answer import DATABASE, answer_table, arguments, chosen_shape, postgres, timed

SCHEMA = "storefront"


def main() -> None:
    """Load all rows, timed from the start of both programs to their exit.

    The tap reads one page after another; it has no concurrent requests.
    """
    (address, _), shape, url = arguments(), chosen_shape(), postgres()
    Path("tap.json").write_text(json.dumps({"address": address, "shape": shape.name}))
    where = {"sqlalchemy_url": url} if url else {"path": str(DATABASE)}
    Path("target.json").write_text(json.dumps({**where, "default_target_schema": SCHEMA}))
    tap = [sys.executable, "-m", "benchmarks.peers.singer_tap", "--config", "tap.json"]
    target = [Path(sys.executable).parent / f"target-{shape.destination}", "--config", "target.json"]
    with timed() as part, subprocess.Popen(tap, stdout=subprocess.PIPE) as records:
        subprocess.run(target, stdin=records.stdout, stdout=subprocess.DEVNULL, check=True)
    if records.returncode:
        raise SystemExit(f"the tap ended with status {records.returncode}")
    answer_table(f"{SCHEMA}.{shape.table}", part=part)


if __name__ == "__main__":
    main()
