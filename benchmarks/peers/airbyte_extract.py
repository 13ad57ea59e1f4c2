"""Airbyte's CDK, extraction only: records as text on standard output, written to a file."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.peers.airbyte_manifest import STREAM, build_manifest
from benchmarks.peers.answer import answer_ids, arguments, timed
from benchmarks.peers.order_schema import order_schema

RECORDS = Path("records.jsonl")
CATALOG = {
    "streams": [
        {
            "stream": {"name": STREAM, "json_schema": order_schema(), "supported_sync_modes": ["incremental"]},
            "sync_mode": "incremental",
            "destination_sync_mode": "append",
        }
    ]
}


def main() -> None:
    """Extract all orders; checking the output is not timed."""
    Path("config.json").write_text(json.dumps({"__injected_declarative_manifest": build_manifest(*arguments())}))
    Path("catalog.json").write_text(json.dumps(CATALOG))
    program = Path(sys.executable).parent / "source-declarative-manifest"
    command = [program, "read", "--config", "config.json", "--catalog", "catalog.json"]
    with RECORDS.open("wb") as file, timed() as part:
        subprocess.run(command, stdout=file, check=True)
    answer_ids(ids(), part=part)


def ids() -> Iterator[int]:
    """Yield the ids of all records."""
    with RECORDS.open("rb") as file:
        for line in file:
            message = json.loads(line)
            if message["type"] == "RECORD":
                yield message["record"]["data"]["id"]


if __name__ == "__main__":
    main()
