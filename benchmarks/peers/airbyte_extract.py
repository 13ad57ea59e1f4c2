"""Airbyte's CDK, extraction only: records as text on standard output, written to a file."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers.airbyte_manifest import build_manifest
from benchmarks.peers.answer import answer_ids, arguments, chosen_shape, timed
from benchmarks.peers.json_schema import json_schema
from benchmarks.shapes import KEY, Shape

RECORDS = Path("records.jsonl")


def main() -> None:
    """Extract all rows; checking the output is not timed."""
    shape = chosen_shape()
    manifest = build_manifest(*arguments(), shape)
    Path("config.json").write_text(json.dumps({"__injected_declarative_manifest": manifest}))
    Path("catalog.json").write_text(json.dumps(build_catalog(shape)))
    program = Path(sys.executable).parent / "source-declarative-manifest"
    command = [program, "read", "--config", "config.json", "--catalog", "catalog.json"]
    with RECORDS.open("wb") as file, timed() as part:
        subprocess.run(command, stdout=file, check=True)
    answer_ids(ids(shape.table), part=part)


def build_catalog(shape: Shape) -> dict[str, Any]:
    """Build the catalog with all streams of a shape."""
    mode = "incremental" if shape.windowed else "full_refresh"
    streams = [
        {"name": name, "json_schema": json_schema(fields), "supported_sync_modes": [mode]}
        for name, fields in shape.tables.items()
    ]
    chosen = [{"stream": one, "sync_mode": mode, "destination_sync_mode": "append"} for one in streams]
    return {"streams": chosen}


def ids(stream: str) -> Iterator[int]:
    """Yield the ids of all records of a stream."""
    with RECORDS.open("rb") as file:
        for line in file:
            message = json.loads(line)
            if message["type"] == "RECORD" and message["record"]["stream"] == stream:
                yield message["record"]["data"][KEY]


if __name__ == "__main__":
    main()
