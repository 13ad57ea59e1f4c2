"""Memory that a load has freed is given back to the system."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the C library keeps nothing")

MB = 1_000_000
FILE = """
import io
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from connectors_dagster.load.freed_memory import return_freed_memory


def taken():
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


rows = pa.record_batch({f"column_{number}": pa.array(["text"]) for number in range(40)})
with pq.ParquetWriter(io.BytesIO(), rows.schema) as writer:
    writer.write_batch(rows)
return_freed_memory()
before = taken()
with pq.ParquetWriter(io.BytesIO(), rows.schema) as writer:
    for _ in range(700):
        writer.write_batch(rows)
del writer
kept = taken() - before
return_freed_memory()
print(kept, taken() - before)
"""


def test_what_a_file_with_many_row_groups_has_taken_is_given_back():
    done = subprocess.run([sys.executable, "-c", FILE], capture_output=True, text=True, check=True)
    kept, left = map(int, done.stdout.split())
    assert kept > 20 * MB
    assert left < kept / 4
