"""Reads resources into the folder of a pipeline: one dlt package each, ready to load."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import dlt
from dlt.common.schema import Schema
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.sources import DltResource, DltSource

from connectors_dagster.compat.dlt_internals import DEDUPLICATED
from connectors_dagster.config import settings
from connectors_dagster.errors import ApiError, LoadError, TransientApiError
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.load.arrow_rows import ArrowRows
from connectors_dagster.load.destination import file_format
from connectors_dagster.load.dlt_errors import root_cause, without_expected_warnings
from connectors_dagster.load.nested_rows import NestedRows
from connectors_dagster.load.rejected_rows import rejected_rows, rejected_table
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.read.connection import Connection
from connectors_dagster.read.preview import Preview
from connectors_dagster.read.reader import ResourceReader
from connectors_dagster.rows.table_columns import TableColumns
from connectors_dagster.spec.resource import ABSENT_SINCE, Resource
from connectors_dagster.spec.timestamps import TimestampFormat
from connectors_dagster.spec.windows import Slice, describe_windows

HINTS = ("primary_key", "merge_key", "write_disposition", "schema_contract", "max_table_nesting", "table_format")


@dataclass
class Outcome:
    """The result of one resource of a family; `failed` has its windows that are not recorded as read."""

    resource: Resource
    stats_by_slice: Mapping[Slice | None, ReadStats] = field(default_factory=dict)
    previews: Mapping[Slice | None, Preview] = field(default_factory=dict)
    dlt_resource: DltResource | None = None
    load_ids: Sequence[str] = ()
    parents_read: Sequence[Any] = ()
    seconds: float = 0.0
    table_rows: int | None = None
    error: Exception | None = None
    failed: Mapping[Slice | None, ApiError] = field(default_factory=dict)

    @property
    def landed(self) -> dict[Slice | None, ReadStats]:
        """The counts of the windows that were read well."""
        return {piece: stats for piece, stats in self.stats_by_slice.items() if piece not in self.failed}

    @property
    def rejected(self) -> int:
        """How many rows were set aside."""
        return sum(stats.rejected for stats in self.stats_by_slice.values())

    @property
    def tables(self) -> list[str]:
        """The tables that are loaded."""
        return [self.resource.name, *([rejected_table(self.resource)] if self.rejected else [])]

    @property
    def errors(self) -> list[Exception]:
        """Why the resource, or some of its windows, failed; empty if all was read."""
        by_window = [self.failed[piece] for piece in sorted(filter(None, self.failed))]
        return list(dict.fromkeys([*by_window, *([self.error] if self.error else [])]))


def extract(pipeline: dlt.Pipeline, request: LoadRequest, connection: Connection) -> dict[str, Outcome]:
    """Read everything that is requested and make it ready to load, parents first.

    The failure of a resource, or of some of its windows, is in its outcome; their children are not read.
    """
    outcomes: dict[str, Outcome] = {}
    readers: dict[str, ResourceReader] = {}
    for resource in request.resources_to_read():
        parent = resource.parent
        reader = readers[resource.name] = ResourceReader(
            resource=resource,
            connection=connection,
            slices=[piece for piece in outcomes[parent.name].landed if piece] if parent else request.slices,
            parents=readers[parent.name].rows_of_children if parent else {},
            page_limit=request.page_limit,
            preview_rows=settings.preview_rows(),
        )
        outcome = outcomes[resource.name] = Outcome(resource, reader.stats_by_slice, reader.previews)
        if parent and outcomes[parent.name].error:
            outcome.error = _not_read(resource, outcomes[parent.name])
            continue
        _read(pipeline, request, reader, outcome)
        if parent and outcomes[parent.name].failed:
            of_parent = _not_read(resource, outcomes[parent.name])
            outcome.failed = {**dict.fromkeys(outcomes[parent.name].failed, of_parent), **outcome.failed}
    return outcomes


def _not_read(resource: Resource, parent: Outcome) -> ApiError:
    """Return the error of a resource, or of its windows, whose parent failed."""
    transient = all(isinstance(error, TransientApiError) for error in parent.errors)
    windows = "" if parent.error else f" window {describe_windows(piece.window for piece in parent.failed if piece)}"
    kind = TransientApiError if transient else ApiError
    return kind(f"{resource}{windows}: not read, because its parent {parent.resource} failed")


def _read(pipeline: dlt.Pipeline, request: LoadRequest, reader: ResourceReader, outcome: Outcome) -> None:
    started = time.monotonic()
    try:
        if reader.resource in request.resources:
            outcome.dlt_resource, outcome.load_ids = _extract_resource(pipeline, request, reader)
            outcome.parents_read = reader.parents_read
        else:
            reader.bad_rows.set_aside = False  # nothing of it is loaded
            for _ in reader.pages():
                continue
    except (PipelineStepFailed, ApiError, LoadError) as error:
        outcome.error = root_cause(error)
    outcome.failed = reader.failed.errors
    outcome.seconds = time.monotonic() - started


def _extract_resource(
    pipeline: dlt.Pipeline, request: LoadRequest, reader: ResourceReader
) -> tuple[DltResource, Sequence[str]]:
    resource, columns = reader.resource, _columns(pipeline, request, reader.resource)
    rows = ArrowRows(reader, columns) if columns else NestedRows(reader, Path(pipeline.pipelines_dir))
    dlt_resource: DltResource = dlt.resource(
        chain(rows, rejected_rows(reader)),
        name=resource.name,
        columns=dict(columns.hints if columns else resource.columns),
        **{key: value for key, value in resource.definition.items() if key in HINTS},
    )
    if resource.disposition == "merge":
        dlt_resource.apply_hints(additional_table_hints={DEDUPLICATED: True})
    source = DltSource(Schema(request.name), resource.connector.name, [dlt_resource])
    with without_expected_warnings():
        extracted = pipeline.extract(source, loader_file_format=file_format(pipeline.destination))
        older = rows.drop_older(pipeline, extracted)
        ready = pipeline.normalize().row_counts.get(resource.name, 0)
    for stats in reader.stats_by_slice.values():
        stats.drift, stats.missing_fields = _remarks(columns)
    _check_count(reader, ready + older)
    return dlt_resource, extracted.loads_ids


def _remarks(columns: TableColumns | None) -> tuple[dict[str, str], list[str]]:
    if columns is None:
        return {}, []
    return columns.drift, [name for name in columns.missing if name != ABSENT_SINCE]


def _columns(pipeline: dlt.Pipeline, request: LoadRequest, resource: Resource) -> TableColumns | None:
    """Return the columns of a resource; None if dlt infers them, and child tables, from the rows."""
    if not resource.columns or resource.definition.get("max_table_nesting"):
        return None
    schema = pipeline.schemas[request.name] if request.name in pipeline.schemas else Schema(request.name)
    return TableColumns(
        label=str(resource),
        declared=resource.columns,
        keys=frozenset(resource.primary_key),
        naming=schema.naming,
        capabilities=pipeline.destination.capabilities(),
        stores_nul=destination_traits().stores_nul,
        stored=schema.tables.get(resource.name, {}).get("columns", {}),
        timestamp_format=resource.cursor.timestamp_format if resource.cursor else TimestampFormat(),
    )


def _check_count(reader: ResourceReader, ready: int) -> None:
    read = sum(stats.rows for stats in reader.stats_by_slice.values())
    if read != ready:
        raise LoadError(f"{reader.resource}: {read} rows were read, but {ready} are ready to load")
