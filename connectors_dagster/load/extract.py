"""Reads resources into the folder of a pipeline: one dlt package each, ready to load."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
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
from connectors_dagster.config.dlt_defaults import batches_apart
from connectors_dagster.config.window_grid import window_grid
from connectors_dagster.errors import ApiError, LoadError, caused_by
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.load.arrow_rows import ArrowRows
from connectors_dagster.load.destination import file_format
from connectors_dagster.load.dlt_errors import root_cause, without_expected_warnings
from connectors_dagster.load.measured import labels_of
from connectors_dagster.load.rejected_rows import rejected_rows, separate_rejected
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.load.resource_rows import rows_of
from connectors_dagster.load.source_address import SOURCE, source_address
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.read.connection import Connection
from connectors_dagster.read.list_reader import KeptRows, ListReader
from connectors_dagster.read.preview import Preview
from connectors_dagster.read.reader import ResourceReader
from connectors_dagster.read.row_reader import RowReader
from connectors_dagster.spec.added_columns import ABSENT_SINCE
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice, describe_windows
from connectors_dagster.telemetry import measures

HINTS = ("primary_key", "merge_key", "write_disposition", "schema_contract", "table_format")
ALL_LEVELS = 1_000
"""What dlt gets for `max_table_nesting`: rows arrive without deeper levels than were declared."""


@dataclass
class Outcome:
    """The result of one resource of a family.

    `ready` says whether its rows can be loaded, `failed` has its windows that are not recorded as read, and
    `cursor_column` is the column with its cursor, if any.
    """

    resource: Resource
    stats_by_slice: Mapping[Slice | None, ReadStats] = field(default_factory=dict)
    previews: Mapping[Slice | None, Preview] = field(default_factory=dict)
    ready: bool = False
    load_ids: Sequence[str] = ()
    cursor_column: str | None = None
    parents_read: Sequence[Any] = ()
    kept: KeptRows | None = None
    seconds: float = 0.0
    table_rows: int | None = None
    error: Exception | None = None
    failed: Mapping[Slice | None, ApiError] = field(default_factory=dict)

    @property
    def landed(self) -> dict[Slice | None, ReadStats]:
        """The counts of the windows that were read well."""
        return {slice_: stats for slice_, stats in self.stats_by_slice.items() if slice_ not in self.failed}

    @property
    def windows_read_whole(self) -> list[str]:
        """The keys of the windows that were read from their start, and of which no row may be hidden."""
        landed = ((slice_, stats) for slice_, stats in self.landed.items() if slice_)
        return [s.window.key for s, stats in landed if s.since <= s.window.start and not stats.unsettled]

    @property
    def rejected(self) -> int:
        """How many rows were set aside."""
        return sum(stats.rejected for stats in self.stats_by_slice.values())

    @property
    def tables(self) -> list[str]:
        """The tables that are loaded."""
        return [self.resource.name, *([self.resource.rejected_table] if self.rejected else [])]

    @property
    def errors(self) -> list[Exception]:
        """Why the resource, or some of its windows, failed; empty if all was read."""
        by_window = [self.failed[slice_] for slice_ in sorted(filter(None, self.failed))]
        return list(dict.fromkeys([*by_window, *([self.error] if self.error else [])]))


def extract(pipeline: dlt.Pipeline, request: LoadRequest, connection: Connection) -> dict[str, Outcome]:
    """Read everything that is requested and make it ready to load, parents first.

    The failure of a resource, or of some of its windows, is in its outcome; their children are not read.
    """
    outcomes: dict[str, Outcome] = {}
    readers: dict[str, RowReader] = {}
    for resource in request.resources_to_read():
        parent = resource.parent
        reader = readers[resource.name] = _reader(resource, request, connection, outcomes, readers)
        outcome = outcomes[resource.name] = Outcome(resource, reader.stats_by_slice, reader.previews)
        if parent and outcomes[parent.name].error:
            outcome.error = _not_read(resource, outcomes[parent.name])
            continue
        _read(pipeline, request, reader, outcome)
        if parent and outcomes[parent.name].failed:
            of_parent = _not_read(resource, outcomes[parent.name])
            outcome.failed = {**dict.fromkeys(outcomes[parent.name].failed, of_parent), **outcome.failed}
    _share_clock_lag(outcomes.values())
    return outcomes


def _slices(resource: Resource, request: LoadRequest, outcomes: Mapping[str, Outcome]) -> Sequence[Slice]:
    """Return the slices to read of a resource; a parent from another family is read whole."""
    if resource.root.family not in {one.family for one in request.resources}:
        return ()
    if resource.parent is None or resource.cursor:
        return request.slices
    return [slice_ for slice_ in outcomes[resource.parent.name].landed if slice_]


def _reader(
    resource: Resource,
    request: LoadRequest,
    connection: Connection,
    outcomes: Mapping[str, Outcome],
    readers: Mapping[str, RowReader],
) -> RowReader:
    slices, preview_rows, parent = _slices(resource, request, outcomes), settings.preview_rows(), resource.parent
    if resource.list_of:
        return ListReader(
            resource=resource,
            slices=slices,
            preview_rows=preview_rows,
            rows=outcomes[resource.list_of.parent.name].kept,
            list_of=resource.list_of,
        )
    return ResourceReader(
        resource=resource,
        slices=slices,
        preview_rows=preview_rows,
        connection=connection,
        parents=readers[parent.name].rows_of_children if parent else {},
        page_limit=request.page_limit,
        span=_span(resource, request),
    )


def _span(resource: Resource, request: LoadRequest) -> Slice | None:
    """Return all windows as one slice for a parent from another family that is read with its filter."""
    ours = resource.root.family in {one.family for one in request.resources}
    return (
        None if ours or not resource.options.filter_for_children else window_grid(request.connector).whole(request.now)
    )


def _share_clock_lag(outcomes: Iterable[Outcome]) -> None:
    """Give all counts of a family the largest lag: its resources are read from one API with one clock."""
    every = [stats for outcome in outcomes for stats in outcome.stats_by_slice.values()]
    largest = max((stats.clock_lag for stats in every), default=0.0)
    for stats in every:
        stats.clock_lag = largest


def _not_read(resource: Resource, parent: Outcome) -> ApiError:
    """Return the error of a resource, or of its windows, whose parent failed."""
    windows = "" if parent.error else f" window {describe_windows(slice_.window for slice_ in parent.failed if slice_)}"
    return caused_by(parent.errors, f"{resource}{windows}: not read, because its parent {parent.resource} failed")


def _read(pipeline: dlt.Pipeline, request: LoadRequest, reader: RowReader, outcome: Outcome) -> None:
    started, labels = time.monotonic(), labels_of(reader.resource)
    try:
        with measures.phase("read", labels):
            if reader.resource in request.resources_to_load():
                _extract_resource(pipeline, request, reader, outcome)
            else:
                reader.bad_rows.set_aside = False  # nothing of it is loaded
                for _ in reader.pages():
                    continue
    except (PipelineStepFailed, ApiError, LoadError) as error:
        outcome.error = root_cause(error)
    measures.record_phase("convert", reader.seconds_to_convert, labels)
    outcome.failed = reader.failed.errors
    outcome.seconds = time.monotonic() - started


def _extract_resource(pipeline: dlt.Pipeline, request: LoadRequest, reader: RowReader, outcome: Outcome) -> None:
    resource, known = reader.resource, pipeline.schemas.get(request.name)
    rows = rows_of(pipeline, reader, known or Schema(request.name))
    dlt_resource: DltResource = dlt.resource(
        chain(rows, rejected_rows(reader)),
        name=resource.name,
        columns=dict(rows.columns.hints),
        max_table_nesting=ALL_LEVELS,
        **_hints(resource),
    )
    dlt_resource.apply_hints(additional_table_hints=_notes(resource))
    separate_rejected(dlt_resource, resource)
    schema = Schema(request.name)
    schema.remove_type_detection("iso_timestamp")  # values arrive with their types
    source = DltSource(schema, resource.connector.name, [dlt_resource])
    apart = batches_apart() if isinstance(rows, ArrowRows) else nullcontext()  # objects are written one by one
    with without_expected_warnings(), apart:
        extracted = pipeline.extract(
            source, loader_file_format=file_format(pipeline.destination, arrow=isinstance(rows, ArrowRows))
        )
        older = rows.drop_older(pipeline, extracted)
        if resource.options.children and isinstance(rows, ArrowRows):
            outcome.kept = rows.keep(pipeline, extracted, Path(pipeline.pipelines_dir))
        with measures.phase("normalize", labels_of(resource)):
            ready = pipeline.normalize().row_counts.get(resource.name, 0)
    for stats in reader.stats_by_slice.values():
        stats.drift = rows.drift
        stats.missing_fields = [name for name in rows.columns.missing if name != ABSENT_SINCE]
        stats.untyped = [column.name for column in rows.columns.untyped] if destination_traits().retypes_columns else []
    _check_count(reader, ready + older)
    with_rows = pipeline.list_normalized_load_packages()  # dlt drops a package without tables
    outcome.load_ids = [load_id for load_id in extracted.loads_ids if load_id in with_rows]
    outcome.ready, outcome.parents_read = True, reader.parents_read
    outcome.cursor_column = rows.columns.column_of(resource.cursor_path)


def _hints(resource: Resource) -> dict[str, Any]:
    """Return what the definition says about the table; a hash of rows is a key that it does not name."""
    hints = {key: value for key, value in resource.definition.items() if key in HINTS}
    own = {"primary_key": list(resource.primary_key), "write_disposition": "merge"} if resource.options.key else {}
    lake = destination_traits().table_format
    return own | hints | ({"table_format": lake} if lake else {})


def _notes(resource: Resource) -> dict[str, Any]:
    """Return what is noted of the table beside its columns: that no key comes twice, and where its rows come from."""
    source = source_address(resource)
    return ({DEDUPLICATED: True} if resource.disposition == "merge" else {}) | ({SOURCE: source} if source else {})


def _check_count(reader: RowReader, ready: int) -> None:
    read = sum(stats.rows for stats in reader.stats_by_slice.values())
    if read != ready:
        raise LoadError(f"{reader.resource}: {read} rows were read, but {ready} are ready to load")
