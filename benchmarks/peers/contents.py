"""What was read: the ids, and a sum over all values that does not depend on the order of the rows."""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zlib import crc32

from benchmarks.peers.answer import answer_ids
from benchmarks.peers.json_schema import json_schema
from benchmarks.shapes import ORDER

FIELDS = json_schema(ORDER)["properties"]
EXACT = 2**53


@dataclass
class Contents:
    """The rows of a program: `add` them while they are read, then `tell` of them.

    Args:
        ids: of all rows.
        sum: over the values of the declared fields, equal for equal rows.
        cpu: the CPU seconds that it took to add them, which are not part of the measurement.
    """

    ids: list[int] = field(default_factory=list)
    sum: int = 0
    cpu: float = 0.0

    def add_batch(self, batch: Any) -> None:
        """Add the rows of an Arrow batch."""
        started = time.thread_time()
        rows = batch.to_pylist()
        self.cpu += time.thread_time() - started
        self.add(rows)

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows."""
        started = time.thread_time()
        for row in rows:
            self.ids.append(row["id"])
            values = {name: _plain(name, row[name]) for name in FIELDS if row.get(name) is not None}
            self.sum = (self.sum + crc32(json.dumps(values, sort_keys=True).encode())) % EXACT
        self.cpu += time.thread_time() - started

    def tell(self, part: Mapping[str, float]) -> None:
        """Print the figures of the rows, and the time of the part in which they were read and added."""
        answer_ids(self.ids, part={"seconds": part["seconds"], "cpu": part["cpu"] - self.cpu, "contents": self.sum})


def _plain(name: str, value: Any) -> Any:
    """Return a value in the way in which all programs are compared: times in UTC, lists and objects decoded."""
    declared = FIELDS[name]
    if "format" in declared:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        return (at.astimezone(UTC) if at.tzinfo else at).replace(tzinfo=None).isoformat()
    return json.loads(value) if isinstance(value, str) and "string" not in declared["type"] else value
