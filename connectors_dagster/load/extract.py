"""Reads resources into the folder of a pipeline: one dlt package each, ready to load."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.read.connection import Connection
from connectors_dagster.read.preview import Preview
from connectors_dagster.read.reader import ResourceReader
from connectors_dagster.rows.table_columns import TableColumns
from connectors_dagster.spec.resource import ABSENT_SINCE, Resource
from connectors_dagster.spec.timestamps import TimestampFormat
from connectors_dagster.spec.windows import Slice

HINTS = ("primary_key", "merge_key", "write_disposition", "schema_contract", "max_table_nesting", "table_format")


@dataclass
class Outcome:
    """The result of one resource of a family."""

    resource: Resource
    stats_by_slice: Mapping[Slice | None, ReadStats] = field(default_factory=dict)
    previews: Mapping[Slice | None, Preview] = field(default_factory=dict)
    dlt_resource: DltResource | None = None
    load_ids: Sequence[str] = ()
    parents_read: Sequence[Any] = ()
    seconds: float = 0.0
    table_rows: int | None = None
    error: Exception | None = None


def extract(pipeline: dlt.Pipeline, request: LoadRequest, connection: Connection) -> dict[str, Outcome]:
    """Read everything that is requested and make it ready to load, parents first.

    The failure of a resource is in its outcome; its children are not read.
    """
    outcomes: dict[str, Outcome] = {}
    readers: dict[str, ResourceReader] = {}
    for resource in request.resources_to_read():
        parent = resource.parent
        reader = readers[resource.name] = ResourceReader(
            resource=resource,
            connection=connection,
            slices=request.slices,
            parents=readers[parent.name].rows_of_children if parent else {},
            page_limit=request.page_limit,
            preview_rows=settings.preview_rows(),
        )
        outcome = outcomes[resource.name] = Outcome(resource, reader.stats_by_slice, reader.previews)
        if parent and (failed := outcomes[parent.name].error):
            kind = TransientApiError if isinstance(failed, TransientApiError) else ApiError
            outcome.error = kind(f"{resource}: not read, because its parent {parent} failed")
            continue
        _read(pipeline, request, reader, outcome)
    _share_clock_lag(outcomes.values())
    return outcomes


def _share_clock_lag(outcomes: Iterable[Outcome]) -> None:
    """Give all counts of a family the largest lag: its resources are read from one API with one clock."""
    every = [stats for outcome in outcomes for stats in outcome.stats_by_slice.values()]
    largest = max((stats.clock_lag for stats in every), default=0.0)
    for stats in every:
        stats.clock_lag = largest


def _read(pipeline: dlt.Pipeline, request: LoadRequest, reader: ResourceReader, outcome: Outcome) -> None:
    started = time.monotonic()
    try:
        if reader.resource in request.resources:
            outcome.dlt_resource, outcome.load_ids = _extract_resource(pipeline, request, reader)
            outcome.parents_read = reader.parents_read
        else:
            for _ in reader.pages():
                continue
    except (PipelineStepFailed, ApiError, LoadError) as error:
        outcome.error = root_cause(error)
    outcome.seconds = time.monotonic() - started


def _extract_resource(
    pipeline: dlt.Pipeline, request: LoadRequest, reader: ResourceReader
) -> tuple[DltResource, Sequence[str]]:
    resource, columns = reader.resource, _columns(pipeline, request, reader.resource)
    rows = ArrowRows(reader, columns) if columns else NestedRows(reader, Path(pipeline.pipelines_dir))
    dlt_resource: DltResource = dlt.resource(
        iter(rows),
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
