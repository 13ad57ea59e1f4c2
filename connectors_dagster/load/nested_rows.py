"""Rows of a resource for which dlt creates child tables: dlt receives them as objects, without older copies."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.common.pipeline import ExtractInfo

from connectors_dagster.load.duplicates import Duplicates, numbered_batches, without
from connectors_dagster.read.row_reader import BATCH_BYTES, BATCH_ROWS, RowReader
from connectors_dagster.rows.coercion import as_text
from connectors_dagster.rows.column_buffer import ColumnBuffer
from connectors_dagster.rows.key_counter import KeyCounter
from connectors_dagster.rows.nested_tables import NestedTables
from connectors_dagster.rows.raw_json import NULL, RawRow, decode, decode_fields, write_row
from connectors_dagster.rows.table_columns import TableColumns

ROW, PARENT = "row", "parent"
PIECE = 8 * 1024 * 1024
"""How many characters of rows are converted at once: as objects they take many times the memory."""


class NestedRows:
    """The rows of a resource, each once.

    They are kept in a file until all are read, because only then the newest copy of each row is known.
    """

    def __init__(self, reader: RowReader, folder: Path, tables: NestedTables) -> None:
        """Prepare to read; iteration reads, and keeps its file in `folder`."""
        self.reader, self.folder, self.tables = reader, folder, tables
        self._dropped = 0
        self._keys = [f"key {number}" for number in range(len(tables.root.keys))]
        self._parent = reader.resource.parent_column

    @property
    def columns(self) -> TableColumns:
        """The columns of the rows, without their child tables."""
        return self.tables.root

    @property
    def drift(self) -> dict[str, str]:
        """Differences from the declaration, by column of all tables."""
        return self.tables.drift

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows of each batch, with the column hints of all tables if there are new columns."""
        with TemporaryDirectory(dir=self.folder) as folder:
            files, keys = [Path(folder, "rows.parquet")], KeyCounter()
            if not self._write(files[0], keys):
                return
            older = self._older(files, keys)
            self.columns.restart()
            self._dropped, known = len(older), 0
            for first, batch in numbered_batches(files):
                for texts in _pieces(without(older, first, batch).column(ROW).to_pylist()):
                    objects = self.tables.to_objects([decode_fields(text.encode()) for text in texts])
                    columns = sum(len(table.hints) for table in self.tables.tables.values())
                    yield dlt.mark.with_hints(objects, self._hints()) if columns > known else objects
                    known = columns

    def drop_older(self, _pipeline: dlt.Pipeline, _extracted: ExtractInfo) -> int:
        """Return how many rows had a newer copy; dlt did not receive them."""
        return self._dropped

    def _hints(self) -> Any:
        name = self.reader.resource.name
        nested: dict[str | Sequence[str], Any] = {
            path: dlt.mark.make_nested_hints(
                columns=dict(columns.hints), parent_table_name="__".join((name, *self.tables.parents[path]))
            )
            for path, columns in self.tables.tables.items()
            if path
        }
        return dlt.mark.make_hints(columns=dict(self.columns.hints), nested_hints=nested or None)

    def _write(self, file: Path, keys: KeyCounter) -> bool:
        """Write all rows to a file; returns whether there are any."""
        writer: pq.ParquetWriter | None = None
        for rows in self._batches():
            batch = self._with_keys(rows)
            keys.add(zip(*(batch.column(name).to_pylist() for name in self._keys), strict=True))
            writer = writer or pq.ParquetWriter(file, batch.schema)
            writer.write_batch(batch)
        if writer is not None:
            writer.close()
        return writer is not None

    def _batches(self) -> Iterator[list[RawRow]]:
        rows, size = list[RawRow](), 0
        self.reader.bad_rows.check = self.columns.unusable
        for page, page_bytes in self.reader.pages():
            rows += page
            size += page_bytes
            if len(rows) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield rows
                rows, size = [], 0
        if rows:
            yield rows

    def _with_keys(self, rows: list[RawRow]) -> pa.RecordBatch:
        root = self.columns
        required = root.to_batch(ColumnBuffer([{k: row[k] for k in root.required if k in row} for row in rows]))
        arrays = {name: required.column(key) for name, key in zip(self._keys, root.key_columns, strict=True)}
        if self._parent:
            arrays[PARENT] = pa.array([as_text(row.get(self._parent, NULL)) for row in rows], pa.string())
        return pa.RecordBatch.from_pydict({**arrays, ROW: pa.array(list(map(write_row, rows)), pa.string())})

    def _older(self, files: list[Path], keys: KeyCounter) -> pa.Array:
        repeated, resource = keys.repeated(), self.reader.resource
        if repeated is None or resource.disposition == "append":
            return pa.array([], pa.int64())
        duplicates = Duplicates(
            resource=resource,
            keys=self._keys,
            fields=_fields,
            page_ends=self.reader.page_ends,
            finer=self.reader.finer_cursors.by_row,
            reread_pages=self.reader.reread_pages,
            parent=PARENT if self._parent else None,
        )
        return duplicates.older(files, repeated)


def _pieces(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    start = size = 0
    for at, text in enumerate(texts, start=1):
        size += len(text)
        if size >= PIECE or at == len(texts):
            yield texts[start:at]
            start, size = at, 0


def _fields(row: Any) -> dict[str, Any]:
    fields: dict[str, Any] = decode(row[ROW].encode())
    return fields
