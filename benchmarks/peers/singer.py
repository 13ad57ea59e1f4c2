"""A Singer tap piped into target-duckdb."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.answer import DATABASE, answer_table, arguments, timed


def main() -> None:
    """Load all orders, timed from the start of both programs to their exit.

    The tap reads one page after another; it has no concurrent requests.
    """
    address, _ = arguments()
    Path("tap.json").write_text(json.dumps({"address": address}))
    Path("target.json").write_text(json.dumps({"path": str(DATABASE), "default_target_schema": "storefront"}))
    tap = [sys.executable, "-m", "benchmarks.peers.singer_tap", "--config", "tap.json"]
    target = [Path(sys.executable).parent / "target-duckdb", "--config", "target.json"]
    with timed() as part, subprocess.Popen(tap, stdout=subprocess.PIPE) as records:
        subprocess.run(target, stdin=records.stdout, stdout=subprocess.DEVNULL, check=True)
    if records.returncode:
        raise SystemExit(f"the tap ended with status {records.returncode}")
    answer_table("storefront.orders", part=part)


if __name__ == "__main__":
    main()
