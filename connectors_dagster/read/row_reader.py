"""What is common to everything that yields the rows of a resource, page by page and assigned to windows."""

import time
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.read.bad_rows import BadRows
from connectors_dagster.read.failed_windows import FailedWindows
from connectors_dagster.read.finer_cursors import FinerCursors
from connectors_dagster.read.parent_rows import ParentRows
from connectors_dagster.read.preview import Preview
from connectors_dagster.rows.column_buffer import ColumnBuffer
from connectors_dagster.rows.raw_json import RawRow
from connectors_dagster.rows.table_columns import TableColumns
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice

BATCH_ROWS = 5_000
BATCH_BYTES, LARGE_ROW = 4 * 1024 * 1024, 2_500
"""Bytes. DuckDB reads 2,048 rows of a batch at once: that many large ones take more memory than it may use."""


@dataclass(kw_only=True)
class RowReader(ABC):
    """One resource read once.

    Args:
        resource: what is read.
        slices: the parts of windows to read; empty for a resource that is read whole.
        preview_rows: how many rows of each slice to keep as a preview.

    After the rows are read, `stats_by_slice` has the counts by slice (None: a whole read), `previews` has the first
    rows, `rows_of_children` has, by slice, the fields of each row that the requests for children need, and
    `parents_read` has the keys of the parents whose children were read. `failed` has the windows that could not be
    read; rows of them may be among those that were read.
    `page_ends` has, for each page, the number of rows that were read up to its end, and `reread_pages` has the numbers
    of the pages that were read again on purpose. `slice_ends` has the number of rows up to which, and from the end
    before, all rows are of one slice. `seconds_to_convert` is how long it took to make Arrow batches of the rows.
    """

    resource: Resource
    slices: Sequence[Slice] = ()
    preview_rows: int = 0

    def __post_init__(self) -> None:
        """Start the counts and previews of all slices."""
        self.stats_by_slice: dict[Slice | None, ReadStats] = {slice_: ReadStats() for slice_ in self.slices or (None,)}
        self.previews = {slice_: Preview(self.resource, self.preview_rows) for slice_ in self.stats_by_slice}
        self.failed = FailedWindows(self.resource, self.stats_by_slice)
        self.bad_rows = BadRows(self.resource, self.failed)
        self.rows_of_children: dict[Slice | None, ParentRows] = {}
        self.parents_read: list[Any] = []
        self.page_ends = array("q")
        self.slice_ends: list[tuple[int, Slice | None]] = []
        self.reread_pages: set[int] = set()
        self.finer_cursors = FinerCursors(self.resource)
        self.seconds_to_convert = 0.0

    def batches(self, columns: TableColumns) -> Iterator[pa.RecordBatch]:
        """Yield Arrow batches; without rows there is one empty batch, so that the table gets its columns."""
        rows, size, any_rows = ColumnBuffer(check=columns.check_fields), 0, False
        self.bad_rows.check = columns.unusable
        for page, page_bytes in self.pages():
            rows.add(page)
            size += page_bytes
            if len(rows) >= BATCH_ROWS or size >= max(BATCH_BYTES, len(rows) * LARGE_ROW):
                yield self._convert(columns, rows)
                rows, size, any_rows = ColumnBuffer(check=columns.check_fields), 0, True
        if rows or not any_rows:
            yield self._convert(columns, rows)

    def _convert(self, columns: TableColumns, rows: ColumnBuffer) -> pa.RecordBatch:
        started = time.monotonic()
        batch = columns.to_batch(rows)
        self.seconds_to_convert += time.monotonic() - started
        return batch

    @abstractmethod
    def pages(self) -> Iterator[tuple[list[RawRow], int]]:
        """Yield the kept rows of each page with its size in bytes.

        Raises:
            ApiError: no window, or not the whole, could be read; if only some windows failed, they are in `failed`.
        """
