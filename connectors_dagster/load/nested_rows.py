"""Rows of a resource for which dlt creates child tables: dlt receives them as objects, without older copies."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.common.pipeline import ExtractInfo

from connectors_dagster.load.duplicates import Duplicates, numbered_batches, without
from connectors_dagster.read.reader import ResourceReader
from connectors_dagster.rows.coercion import as_text
from connectors_dagster.rows.key_counter import KeyCounter
from connectors_dagster.rows.raw_json import NULL, decode, write_row

ROW, PARENT = "row", "parent"


class NestedRows:
    """The rows of a resource, each once.

    They are kept in a file until all are read, because only then the newest copy of each row is known.
    """

    def __init__(self, reader: ResourceReader, folder: Path) -> None:
        """Prepare to read; iteration reads, and keeps its file in `folder`."""
        self.reader, self.folder = reader, folder
        self._dropped = 0
        self._keys = {f"key {number}": name for number, name in enumerate(reader.resource.primary_key)}
        self._columns = self._keys | dict(zip((PARENT,), reader.resource.included.values(), strict=False))

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of each batch."""
        with TemporaryDirectory(dir=self.folder) as folder:
            files, keys = [Path(folder, "rows.parquet")], KeyCounter()
            self._write(files[0], keys)
            older = self._older(files, keys)
            self._dropped = len(older)
            for first, batch in numbered_batches(files):
                yield [decode(text.encode()) for text in without(older, first, batch).column(ROW).to_pylist()]

    def drop_older(self, _pipeline: dlt.Pipeline, _extracted: ExtractInfo) -> int:
        """Return how many rows had a newer copy; dlt did not receive them."""
        return self._dropped

    def _write(self, file: Path, keys: KeyCounter) -> None:
        schema = pa.schema([(name, pa.string()) for name in (*self._columns, ROW)])
        with pq.ParquetWriter(file, schema) as writer:
            for rows, _ in self.reader.pages():
                texts = [[as_text(row.get(name, NULL)) for row in rows] for name in self._columns.values()]
                keys.add(zip(*texts[: len(self._keys)], strict=True))
                writer.write_batch(pa.record_batch([*texts, list(map(write_row, rows))], schema))

    def _older(self, files: list[Path], keys: KeyCounter) -> pa.Array:
        repeated, resource = keys.repeated(), self.reader.resource
        if repeated is None or resource.disposition == "append":
            return pa.array([], pa.int64())
        duplicates = Duplicates(
            resource=resource,
            keys=list(self._keys),
            fields=_fields,
            page_ends=self.reader.page_ends,
            reread_pages=self.reader.reread_pages,
            parent=PARENT if PARENT in self._columns else None,
        )
        return duplicates.older(files, repeated)


def _fields(row: Any) -> dict[str, Any]:
    fields: dict[str, Any] = decode(row[ROW].encode())
    return fields
