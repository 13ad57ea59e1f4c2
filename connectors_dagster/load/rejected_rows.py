"""Rows that were set aside, as rows of the table beside the one they belong to."""

from collections.abc import Iterator
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.schema import TColumnSchema
from dlt.sources import DltResource

from connectors_dagster.read.row_reader import RowReader
from connectors_dagster.spec.resource import Resource

COLUMNS = ("id", "raw_row", "reason", "window_key")


def separate_rejected(dlt_resource: DltResource, resource: Resource) -> None:
    """Keep the table of bad rows free of the hints that dlt would copy to it from the table of the resource.

    With them it would have columns that are required there, and a schema contract that does not let it appear.
    """
    dlt_resource.apply_hints(
        table_name=resource.rejected_table, columns={}, merge_key=(), schema_contract={}, create_table_variant=True
    )


def rejected_rows(reader: RowReader) -> Iterator[Any]:
    """Yield what was set aside; to be iterated after the rows that are loaded, when that is known.

    The same row of the same window has the same `id`, so that reading it again does not add it again.
    """
    rejected = reader.bad_rows.rejected
    if not rejected:
        return
    columns: dict[str, TColumnSchema] = {
        name: {"name": name, "data_type": "text", "nullable": name == "window_key"} for name in COLUMNS
    }
    hints = dlt.mark.make_hints(
        table_name=reader.resource.rejected_table, columns=columns, primary_key="id", write_disposition="merge"
    )
    rows = [{name: getattr(row, name) for name in COLUMNS} for row in rejected.values()]
    schema = pa.schema([pa.field(name, pa.string(), nullable=name == "window_key") for name in COLUMNS])
    yield dlt.mark.with_hints(pa.Table.from_pylist(rows, schema), hints, create_table_variant=True)
