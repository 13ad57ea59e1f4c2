"""Rows as Arrow batches: dlt writes them to parquet files, and older copies are dropped from these files."""

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from typing import Any

import dlt
from dlt.common.pipeline import ExtractInfo

from connectors_dagster.errors import RowError
from connectors_dagster.load.duplicates import Duplicates, drop
from connectors_dagster.read.list_reader import KeptRows
from connectors_dagster.read.row_reader import RowReader
from connectors_dagster.rows.key_counter import KeyCounter
from connectors_dagster.rows.table_columns import TableColumns


class ArrowRows:
    """Yields the rows of a resource while they are read, so that memory does not grow with them."""

    def __init__(self, reader: RowReader, columns: TableColumns) -> None:
        """Prepare to read; iteration reads."""
        self.reader, self.columns = reader, columns
        self._keys, self._older = KeyCounter(), list[int]()

    @property
    def drift(self) -> dict[str, str]:
        """Differences from the declaration, by column."""
        return self.columns.drift

    def __iter__(self) -> Iterator[Any]:
        """Yield batches, each with the column hints if it has new columns."""
        known = len(self.columns.hints)
        for batch in self.reader.batches(self.columns):
            if not batch.num_rows and self.columns.inferred and not self.columns.stored:
                return  # there is no value yet that shows a type, so there is no table either
            self._keys.add(zip(*(batch.column(name).to_pylist() for name in self.columns.key_columns), strict=True))
            hints = dict(self.columns.hints)
            yield dlt.mark.with_hints(batch, dlt.mark.make_hints(columns=hints)) if len(hints) > known else batch
            known = len(hints)

    def drop_older(self, pipeline: dlt.Pipeline, extracted: ExtractInfo) -> int:
        """Drop the rows that have a newer copy from the extracted package; returns how many.

        Raises:
            RowError: the key does not identify a row; there is no package any more.
        """
        repeated, resource = self._keys.repeated(), self.reader.resource
        self._keys = KeyCounter()  # dlt keeps this object for a while, and the rows may be very many
        if repeated is None or resource.disposition == "append":
            return 0
        jobs = _new_jobs(pipeline, extracted)
        files = _files_in_order(extracted, resource.name, jobs)
        duplicates = Duplicates(
            resource=resource,
            keys=self.columns.stored_keys,
            fields=self.columns.fields,
            page_ends=self.reader.page_ends,
            finer=self.reader.finer_cursors.by_row,
            reread_pages=self.reader.reread_pages,
            parent=self.columns.stored_name(resource.parent_column),
        )
        try:
            older = duplicates.older(files, repeated)
        except RowError:
            rmtree(jobs.parent)  # else it would be loaded with the other resources
            raise
        drop(older, files)
        self._older = sorted(older.to_pylist())
        return len(older)

    def keep(self, pipeline: dlt.Pipeline, extracted: ExtractInfo, folder: Path) -> KeptRows:
        """Keep the rows of the extracted package, without older copies, in a folder; dlt deletes its own files."""
        files = _files_in_order(extracted, self.reader.resource.name, _new_jobs(pipeline, extracted))
        kept = [folder / f"{self.reader.resource.name}.{number}.parquet" for number in range(len(files))]
        for file, target in zip(files, kept, strict=True):
            target.hardlink_to(file)
        ends = [(end - bisect_left(self._older, end), slice_) for end, slice_ in self.reader.slice_ends]
        return KeptRows(files=kept, columns=self.columns, slice_ends=ends)


def _new_jobs(pipeline: dlt.Pipeline, extracted: ExtractInfo) -> Path:
    (load_id,) = extracted.loads_ids
    return Path(pipeline.get_load_package_info(load_id).package_path, "new_jobs")


def _files_in_order(extracted: ExtractInfo, table: str, folder: Path) -> list[Path]:
    """Return the files of a table in the order they were written."""
    steps = [step for metrics in extracted.metrics.values() for step in metrics]
    jobs = sorted((job for step in steps for job in step["job_metrics"].values()), key=lambda job: job.created)
    names = [Path(job.file_path).name for job in jobs]
    return [folder / name for name in names if name.partition(".")[0] == table]
