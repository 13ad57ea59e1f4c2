"""Copies of a row in one load: only the newest is kept, so the destination does not have to remove duplicates."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors_dagster.compat.dlt_internals import find_values
from connectors_dagster.load.key_check import KeyCheck
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.timestamps import to_microseconds

BATCH_ROWS = 5_000
NEVER = -(2**63)
"""What a copy without a cursor is sorted by, in microseconds since 1970: it counts as older than any other."""


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Finds the copies of rows among the rows of one load.

    Args:
        resource: what was read.
        keys: the columns of the key.
        fields: returns the fields of a row as the API sent them, at least the one that contains the cursor.
        page_ends: for each page, the number of rows up to its end.
        finer: for each row what its cursor has below a microsecond; rows beyond its end have nothing.
        reread_pages: the numbers of the pages that were read again on purpose.
        parent: the column with the key of the parent row; None for a resource without a parent.
    """

    resource: Resource
    keys: Sequence[str]
    fields: Callable[[Mapping[str, Any]], dict[str, Any]]
    page_ends: Sequence[int]
    finer: Sequence[int] = ()
    reread_pages: Collection[int] = ()
    parent: str | None = None

    def older(self, files: Sequence[Path], repeated: pa.BooleanArray) -> pa.Array:
        """Return the numbers of the rows that have a newer copy; if cursors are equal, the row read last is the newest.

        Args:
            files: all rows in the order they were read.
            repeated: marks the rows whose keys may be repeated.

        Raises:
            RowError: the key does not identify a row.
        """
        copies = pa.Table.from_batches(list(self._copies(files, repeated)))
        keys = [f"key {number}" for number in range(len(self.keys))]
        if not self.resource.options.keeps_last_copy:
            show = partial(self._show, files)
            KeyCheck(resource=self.resource, copies=copies, keys=keys, total=len(repeated), show=show).check()
        times = pc.fill_null(copies["time"], NEVER)
        in_order = copies.set_column(0, "time or never", times).sort_by(
            [("time or never", "ascending"), ("finer", "ascending"), ("row", "ascending")]
        )
        newest = in_order.group_by(keys, use_threads=False).aggregate([("row", "last")])["row_last"]
        return copies.filter(pc.invert(pc.is_in(copies["row"], value_set=newest)))["row"].combine_chunks()

    def _copies(self, files: Sequence[Path], repeated: pa.BooleanArray) -> Iterator[pa.RecordBatch]:
        """Yield the rows that may be copies, without their content."""
        for first, batch in numbered_batches(files):
            marked = repeated.slice(first, batch.num_rows)
            numbers = pc.add(pc.indices_nonzero(marked).cast(pa.int64()), first)
            pages = [bisect_right(self.page_ends, row) for row in numbers.to_pylist()]
            found = batch.filter(marked)
            rows = found.to_pylist()
            yield pa.RecordBatch.from_pydict(
                {
                    "time": pa.array(map(self._time, rows), pa.int64()),
                    "finer": pa.array([self._finer(row) for row in numbers.to_pylist()], pa.int64()),
                    "row": numbers,
                    "page": pa.array(pages, pa.int64()),
                    "reread": pa.array([page in self.reread_pages for page in pages], pa.bool_()),
                    "parent": found.column(self.parent) if self.parent else pa.nulls(len(rows)),
                    "content": pa.array(map(_hash, rows), pa.int64()),
                    **{f"key {number}": found.column(name) for number, name in enumerate(self.keys)},
                }
            )

    def _time(self, row: Mapping[str, Any]) -> int | None:
        """Return the cursor of a row in microseconds since 1970."""
        cursor = self.resource.cursor
        if cursor is None:
            return None
        value = next(iter(find_values(str(self.resource.cursor_path), self.fields(row))), None)
        if value is None or cursor.timestamp_format.is_no_time(value):
            return None
        try:
            return to_microseconds(cursor.timestamp_format.decode(value))
        except ValueError:
            return None

    def _finer(self, row: int) -> int:
        return self.finer[row] if row < len(self.finer) else 0

    def _show(self, files: Sequence[Path], number: int) -> Mapping[str, Any]:
        """Return the fields of one row."""
        batches = numbered_batches(files)
        found = (batch.slice(number - first, 1) for first, batch in batches if number < first + batch.num_rows)
        return self.fields(next(found).to_pylist()[0])


def _hash(row: Mapping[str, Any]) -> int:
    return hash(tuple(value for name, value in row.items() if not name.startswith("_dlt")))


def numbered_batches(files: Sequence[Path]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the rows of parquet files in order, each batch with the number of its first row."""
    first = 0
    for file in files:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(BATCH_ROWS):
                yield first, batch
                first += batch.num_rows


def without(rows: pa.Array, first: int, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch without the rows with these numbers."""
    numbers = pa.array(range(first, first + batch.num_rows), pa.int64())
    return batch.filter(pc.invert(pc.is_in(numbers, value_set=rows)))


def drop(rows: pa.Array, files: Sequence[Path]) -> None:
    """Rewrite parquet files without the rows with these numbers."""
    first = 0
    for file in files:
        rewritten = file.with_suffix(".rewritten")
        with pq.ParquetFile(file) as parquet, pq.ParquetWriter(rewritten, parquet.schema_arrow) as writer:
            for batch in parquet.iter_batches(BATCH_ROWS):
                writer.write_batch(without(rows, first, batch))
                first += batch.num_rows
        rewritten.replace(file)
