"""A load package that is ready to load: its schema, which may still be changed, and its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dlt
from dlt.common.schema import Schema

from connectors_dagster.compat.dlt_internals import normalized_packages


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package that is normalized.

    Args:
        load_id: its id.
        schema: says how each table is loaded; `save` writes what was changed.
        jobs: its files, each with the table that it belongs to.
        folder: the package and those beside it.
    """

    load_id: str
    schema: Schema
    jobs: Sequence[Any]
    folder: Any

    def files_of(self, table: str) -> list[Any]:
        """Return the files of a table, each with its path and format."""
        return [job for job in self.jobs if job.job_file_info.table_name == table]

    def save(self) -> None:
        """Write the schema."""
        self.folder.save_schema(self.load_id, self.schema)


def open_package(pipeline: dlt.Pipeline, load_id: str) -> Package:
    """Open a normalized package of a pipeline."""
    info = pipeline.get_load_package_info(load_id)
    folder = normalized_packages(info.package_path)
    return Package(load_id=load_id, schema=folder.load_schema(load_id), jobs=info.jobs["new_jobs"], folder=folder)
