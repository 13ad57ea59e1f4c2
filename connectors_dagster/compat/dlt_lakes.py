"""The parts of dlt, delta-rs and pyiceberg with which tables of a lake are opened, read and rewritten.

Not public in dlt:

* its helpers in `dlt.common.libs` that turn its credentials into options of delta-rs, and that find the newest metadata
  of an Iceberg table which is in no catalog;
* that a load job merges into an Iceberg table with `merge_iceberg_table` of that module. It is replaced: dlt merges
  1,000 rows per commit, so that a load that is killed leaves a part of its rows, and it fails if a column is new;
* that its client of the filesystem writes what it records of a load with `_write_to_json_file`. It is replaced: a file
  that was written in part, because the process was killed or the disk was full, would fail each later load.

Importing this module loads neither Arrow nor delta-rs nor pyiceberg.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlt.common.schema.utils import get_columns_names_with_prop

if TYPE_CHECKING:
    import pyarrow as pa

DELTA_LOG, ICEBERG_METADATA, ROW = "_delta_log", "metadata", "row number"


@dataclass(frozen=True, kw_only=True)
class OpenTable:
    """A snapshot of a table.

    Args:
        rows: its rows, read from its files when they are needed.
        replace: writes other rows in place of all rows, in one commit; fails if a file was changed since the snapshot.
    """

    rows: Any
    replace: Callable[["pa.RecordBatchReader"], None]

    @property
    def schema(self) -> "pa.Schema":
        """The columns."""
        return self.rows.schema


def table_names(client: Any) -> list[str]:
    """List the folders of the tables of a dataset, with those of dlt's own tables."""
    if not client.fs_client.isdir(client.dataset_path):
        return []
    client.fs_client.invalidate_cache()
    found = client.fs_client.ls(client.dataset_path, detail=True)
    return sorted(
        str(one["name"]).rstrip("/\\").replace("\\", "/").rpartition("/")[2]
        for one in found
        if one["type"] == "directory"
    )


def format_of(client: Any, name: str) -> str | None:
    """Return the format of a table, or None if there is none."""
    folder = client.get_table_dir(name)
    exists, join = client.fs_client.exists, client.pathlib.join
    if exists(join(folder, DELTA_LOG)):
        return "delta"
    return "iceberg" if exists(join(folder, ICEBERG_METADATA)) else None


def open_table(client: Any, name: str) -> OpenTable | None:
    """Open a table of a dataset with the library of its format; None if there is none.

    Args:
        client: dlt's client of the filesystem.
        name: the name of the table.
    """
    found = format_of(client, name)
    if found is None:
        return None
    return _open_delta(client, name) if found == "delta" else _open_iceberg(client, name)


def drop_torn_metadata(client: Any, name: str) -> None:
    """Drop the newest metadata of an Iceberg table if it was not written to its end: the commit was killed.

    It has no effect on a table that is in a catalog, which names only what is complete.
    """
    folder = client.pathlib.join(client.get_table_dir(name), ICEBERG_METADATA)
    files = client.fs_client.ls(folder, detail=False) if client.fs_client.isdir(folder) else []
    newest = max((path for path in files if str(path).endswith(".json")), default=None)
    if newest is not None:
        try:
            json.loads(client.fs_client.cat_file(newest))
        except ValueError:
            client.fs_client.rm_file(newest)


def file_names(client: Any, table: str) -> list[str]:
    """List the paths of the files of one of dlt's own tables."""
    folder = client.get_table_dir(table)
    return [str(path) for path in client.fs_client.ls(folder, detail=False)] if client.fs_client.isdir(folder) else []


def _open_delta(client: Any, name: str) -> OpenTable:
    from deltalake import DeltaTable, write_deltalake
    from dlt.common.libs.deltalake import deltalake_storage_options

    options = deltalake_storage_options(client.config.credentials, client.config.deltalake_storage_options)
    table = DeltaTable(client.get_open_table_location("delta", name), storage_options=options)
    return OpenTable(rows=table.to_pyarrow_dataset(), replace=partial(write_deltalake, table, mode="overwrite"))


def _open_iceberg(client: Any, name: str) -> OpenTable:
    from dlt.common.libs.pyiceberg import evolve_table

    table = evolve_table(
        client.get_open_table_catalog("iceberg"),
        client.fs_client,
        client.config,
        f"{client.dataset_name}.{name}",
        client.get_open_table_location("iceberg", name),
    )
    return OpenTable(
        rows=_iceberg_rows(table, client.fs_client), replace=lambda reader: _overwrite_iceberg(table, reader.read_all())
    )


def _iceberg_rows(table: Any, filesystem: Any) -> Any:
    """Return the rows of an Iceberg table: from its files, unless other programs have deleted rows in them."""
    tasks, schema = list(table.scan().plan_files()), table.schema().as_arrow()
    if any(task.delete_files for task in tasks):
        return table.scan().to_arrow()
    if not tasks:
        return schema.empty_table()
    import pyarrow.dataset as ds

    files = [filesystem._strip_protocol(task.file.file_path) for task in tasks]
    return ds.dataset(files, schema=schema, filesystem=filesystem, format="parquet")


def _overwrite_iceberg(table: Any, rows: "pa.Table") -> None:
    table.overwrite(rows.cast(table.schema().as_arrow()))


@cache
def write_records_whole() -> None:
    """Make dlt write its records of loads and schemas completely or not at all; a second call changes nothing.

    Buckets do that themselves.
    """
    from dlt.destinations.impl.filesystem.filesystem import FilesystemClient

    write = FilesystemClient._write_to_json_file

    def write_whole(client: FilesystemClient, filepath: str, data: Any) -> None:
        if not client.config.is_local_filesystem:
            write(client, filepath, data)
            return
        part = Path(client.dataset_path, f".{Path(filepath).name}.{os.getpid()}")  # where no record is looked for
        write(client, str(part), data)
        part.replace(filepath)

    vars_of: Any = FilesystemClient
    vars_of._write_to_json_file = write_whole


def merge_iceberg_in_one_commit() -> None:
    """Make dlt merge into Iceberg tables in one commit, whatever columns are new; a second call changes nothing."""
    from dlt.common.libs import pyiceberg

    vars(pyiceberg)["merge_iceberg_table"] = _merge_iceberg


def _merge_iceberg(table: Any, data: "pa.Table", schema: Any, load_table_name: str) -> None:  # noqa: ARG001  # dlt's
    """Merge rows by key: the rows with other keys and the new rows take the place of all rows."""
    import pyarrow as pa

    columns, keys = table.schema().as_arrow(), get_columns_names_with_prop(schema, "primary_key")
    new = data.select(columns.names).cast(columns)
    before = table.scan().to_arrow().cast(columns)  # what was appended may have another type of text
    numbered = before.select(keys).append_column(ROW, pa.array(range(before.num_rows), pa.int64()))
    left = numbered.join(new.select(keys), keys, join_type="left anti")[ROW]
    write = table.overwrite if before.num_rows else table.append  # which warns if there is nothing to delete
    write(pa.concat_tables([before.take(left.sort()), new]))
