"""A Singer tap piped into target-duckdb or target-postgres."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.answer import DATABASE, answer_table, arguments, chosen_shape, postgres, timed

SCHEMA = "storefront"
STATES = Path("states.jsonl")
"""What the target prints of how far it has loaded; the last line is the newest."""


def main() -> None:
    """Load all rows, timed from the start of both programs to their exit; a second run continues from the first.

    The tap reads one page after another; it has no concurrent requests.
    """
    (address, _), shape, url = arguments(), chosen_shape(), postgres()
    Path("tap.json").write_text(json.dumps({"address": address, "shape": shape.name}))
    where = {"sqlalchemy_url": url} if url else {"path": str(DATABASE)}
    Path("target.json").write_text(json.dumps({**where, "default_target_schema": SCHEMA}))
    tap = [sys.executable, "-m", "benchmarks.peers.singer_tap", "--config", "tap.json"]
    target = [Path(sys.executable).parent / f"target-{shape.destination}", "--config", "target.json"]
    if states := STATES.read_text().splitlines() if STATES.exists() else []:
        Path("state.json").write_text(states[-1])
        tap += ["--state", "state.json"]
    with STATES.open("w") as file, timed() as part, subprocess.Popen(tap, stdout=subprocess.PIPE) as records:
        subprocess.run(target, stdin=records.stdout, stdout=file, check=True)
    if records.returncode:
        raise SystemExit(f"the tap ended with status {records.returncode}")
    answer_table(f"{SCHEMA}.{shape.table}", part=part)


if __name__ == "__main__":
    main()
