"""Reads the lists in the rows of another resource: from the files of its rows, in which each row is once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from connectors_dagster.errors import RowError
from connectors_dagster.read.row_reader import BATCH_ROWS, RowReader
from connectors_dagster.rows.nested_tables import item_row
from connectors_dagster.rows.raw_json import (
    NULL,
    RawRow,
    decode,
    decode_fields,
    decode_items,
    encode,
    first_byte,
    with_fields,
)
from connectors_dagster.rows.table_columns import TableColumns
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.list_tables import POSITION, ListOf
from connectors_dagster.spec.windows import Slice

SHOWN = 80


@dataclass(frozen=True, kw_only=True)
class KeptRows:
    """The rows of a resource that are loaded.

    Args:
        files: parquet files, in the order of the rows.
        columns: the columns of the files.
        slice_ends: the number of rows up to which, and from the end before, all rows are of one slice.
    """

    files: Sequence[Path]
    columns: TableColumns
    slice_ends: Sequence[tuple[int, Slice | None]]

    def batches(self, fields: Sequence[str]) -> Iterator[tuple[Slice | None, pa.RecordBatch]]:
        """Yield the columns of some fields, in batches that belong to one slice each."""
        names = [str(self.columns.stored_name(self.columns.column(field))) for field in fields]
        ends, end, slice_, row = iter(self.slice_ends), 0, None, 0
        for file in self.files:
            with pq.ParquetFile(file) as parquet:
                for batch in parquet.iter_batches(BATCH_ROWS, columns=list(dict.fromkeys(names))):
                    while batch.num_rows:
                        while end <= row:
                            end, slice_ = next(ends)
                        part, batch = batch.slice(0, end - row), batch.slice(end - row)
                        row += part.num_rows
                        yield slice_, pa.RecordBatch.from_arrays([part.column(name) for name in names], list(fields))


@dataclass(kw_only=True)
class ListReader(RowReader):
    """The lists in one field of a resource, read once.

    Args:
        rows: the rows with the lists; None if they could not be read.
        list_of: where in the rows the lists are.
    """

    rows: KeptRows | None
    list_of: ListOf

    def pages(self) -> Iterator[tuple[list[RawRow], int]]:
        """Yield the items of some lists, with the size of the lists in bytes.

        Raises:
            RowError: a value is not a list.
        """
        assert self.rows is not None  # the caller does not read what has no rows
        names, field = self.resource.included, self.list_of.column
        for slice_, batch in self.rows.batches([*names, field]):
            lists = batch.column(field)
            keys = [[encode(value) for value in batch.column(name).to_pylist()] for name in names]
            added = (dict(zip(names.values(), key, strict=True)) for key in zip(*keys, strict=True))
            rows = [row for pair in zip(lists.to_pylist(), added, strict=True) for row in self._items(*pair)]
            rows = self.bad_rows.keep_good(slice_, rows, self.stats_by_slice[slice_])
            self.previews[slice_].add(rows)
            if rows:
                yield rows, lists.nbytes
        self.failed.close()

    def _items(self, text: str | None, added: Mapping[str, msgspec.Raw]) -> Iterator[RawRow]:
        found = self._at_path(msgspec.Raw((text or "null").encode()), added)
        for position, item in enumerate(decode_items(found) if found else ()):
            yield with_fields(item_row(item), {**added, POSITION: msgspec.Raw(b"%d" % position)})

    def _at_path(self, raw: msgspec.Raw, added: Mapping[str, msgspec.Raw]) -> msgspec.Raw | None:
        """Return the list in a value; None if there is none."""
        for name in self.list_of.path[1:]:
            raw = decode_fields(raw).get(name, NULL) if first_byte(raw) == b"{" else raw
        if first_byte(raw) == b"[":
            return raw
        if value := decode(raw):
            raise RowError(self._no_list(value, added))
        return None

    def _no_list(self, value: Any, added: Mapping[str, msgspec.Raw]) -> str:
        path, parent = ".".join(self.list_of.path), self.list_of.parent
        key = ", ".join(excerpt(bytes(raw).decode(), SHOWN) for raw in islice(added.values(), 3))
        return (
            f"{self.resource}: {path} of the row {key} of {parent} is not a list but {excerpt(str(value), SHOWN)}: "
            f"remove {path} from children of {parent.name}, so that it stays in a column"
        )
