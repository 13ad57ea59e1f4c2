"""Loads of a family: everything of a request is read first, then loaded together, mostly while the next one is read."""

import gc
import logging
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property, partial

import dlt
import pyarrow as pa
from dlt.common.pipeline import LoadInfo
from dlt.common.schema import Schema
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

from connectors_dagster.compat.dlt_internals import retry_schema_update
from connectors_dagster.compat.dlt_retries import merging
from connectors_dagster.config import settings
from connectors_dagster.config.dlt_defaults import duckdb_unlimited, duckdb_unmerged, use_defaults
from connectors_dagster.errors import LoadError
from connectors_dagster.load.destination import build_destination, check_destination
from connectors_dagster.load.direct_writes import write_directly
from connectors_dagster.load.dlt_errors import root_cause, without_expected_warnings
from connectors_dagster.load.duckdb_errors import is_out_of_memory
from connectors_dagster.load.extract import Outcome, extract
from connectors_dagster.load.family import Family, open_family
from connectors_dagster.load.inventory import (
    columns_in,
    completed_loads,
    count_rows,
    forget_if_altered,
    last_load,
    refuse_foreign_tables,
    refuse_gap,
    refuse_retyped,
)
from connectors_dagster.load.lake import check_resources, prepare_folders, tables_of
from connectors_dagster.load.late_rows import keep_newer_rows, refuse_overtaken
from connectors_dagster.load.measured import labels_of, measure_reads, measured_load
from connectors_dagster.load.missing_rows import MissingRows
from connectors_dagster.load.package import open_package
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.load.source_address import refuse_other_source
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.read.concurrency import Ahead
from connectors_dagster.read.connection import Connection, connect
from connectors_dagster.telemetry import measures

CREATE_ATTEMPTS = 10
ROWS_BESIDE_OTHERS = 1_000_000
"""The most rows of a load beside which others are read: loading takes memory for each row group of its file."""
logger = logging.getLogger(__name__)


@dataclass
class Load:
    """The result of loading a family; valid while its pipeline's folder exists.

    `before` are the ids of the loads of the family that were completed before this one began to read, and of those
    before it in its run. `stored` has the tables as they were then. `last_load_id` is the last load of the family at
    the destination, also if this one brought no rows. `altered` names the tables that were dropped or altered by hand
    since the load before. `labels` are those of metrics.
    """

    family: Family
    labels: measures.Labels
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    info: LoadInfo | None = None
    before: frozenset[str] = frozenset()
    stored: Schema | None = None
    last_load_id: str | None = None
    altered: Sequence[str] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def pipeline(self) -> dlt.Pipeline:
        """The pipeline of the family."""
        return self.family.pipeline

    @cached_property
    def schema(self) -> Schema:
        """The tables of the family with this load; dlt reads them from a file each time."""
        return self.pipeline.default_schema

    @property
    def failed(self) -> bool:
        """Whether a resource or a window could not be read."""
        return any(outcome.errors for outcome in self.outcomes.values())

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return sum(stats.rows for outcome in self.outcomes.values() for stats in outcome.stats_by_slice.values())

    @property
    def own_ids(self) -> list[str]:
        """The ids of the packages of this load."""
        return [load_id for outcome in self.outcomes.values() for load_id in outcome.load_ids]


@contextmanager
def loading(request: LoadRequest) -> Iterator[Load]:
    """Read and load one request, as `load_in_turn` does."""
    yield from load_in_turn([request])


def load_in_turn(requests: Sequence[LoadRequest]) -> Generator[Load]:
    """Read and load requests of one family one after another; yields each load before the next one begins.

    While one is loaded, the next one is read already, unless something failed or the rows are very many. Closing the
    iterator ends that, too. A resource or a window that fails is reported in its outcome; the others are loaded.

    Raises:
        SettingError: before any request.
        DestinationBusyError, LoadError: nothing of the request is recorded as loaded.
    """
    use_defaults()
    first = requests[0]
    destination = build_destination()
    check_destination(destination, first.connector.name)
    check_resources(first.resources_to_load())
    connection = connect(first.connector, max_parallel_requests=first.max_parallel_requests, now=first.now)
    root = first.resources[0].root
    with (
        measured_load(root),
        _objects_left_alone(),
        open_family(destination, first.connector.name, first.name, "reading and loading") as family,
        Ahead[Load]() as ahead,
    ):
        load: Load | None = None
        for request, following in zip(requests, [*requests[1:], None], strict=True):
            load = ahead.take() or _begin(load.family.anew(knows=False) if load else family, request, connection)
            if following and not load.failed and load.rows <= ROWS_BESIDE_OTHERS:
                begun = Load(load.family.anew(knows=True), load.labels, before=load.before.union(load.own_ids))
                ahead.start(partial(_read, begun, following, connection))
            if any(outcome.ready for outcome in load.outcomes.values()):
                awaited = len(requests) > 1 and not following  # nothing is read meanwhile
                with duckdb_unmerged() if awaited else nullcontext():
                    _load(load, request)
            yield load
            load.family.remove()


def _begin(family: Family, request: LoadRequest, connection: Connection) -> Load:
    """Read a request with what the destination knows of the tables."""
    load = Load(family, labels_of(request.resources[0].root))
    with _step(load, "schema"):
        load.pipeline.sync_destination()
        refuse_other_source(load.pipeline, request.resources_to_load())
        prepare_folders(load.pipeline, request.resources_to_load())
        load.before = _completed(load.pipeline)
    return _read(load, request, connection)


def _read(load: Load, request: LoadRequest, connection: Connection) -> Load:
    pipeline = load.pipeline
    pipeline.activate()  # dlt knows one pipeline for each thread
    load.stored = pipeline.schemas[request.name].clone() if request.name in pipeline.schemas else None
    with _timed(load, "extract"):
        load.outcomes = extract(pipeline, request, connection)
    measure_reads(load.outcomes.values(), request.now)
    pa.default_memory_pool().release_unused()
    return load


def _load(load: Load, request: LoadRequest) -> None:
    with _step(load, "load"), without_expected_warnings():
        if destination_traits().describes_tables:
            load.altered = _compare(load, request)
        others = _completed(load.pipeline) - load.before
        refuse_overtaken([outcome.resource for outcome in load.outcomes.values() if outcome.load_ids], others)
        merges: dict[tuple[str, str], Sequence[str]] = {}
        for outcome in load.outcomes.values():
            for load_id in outcome.load_ids:
                package = open_package(load.pipeline, load_id)
                keep_newer_rows(load.pipeline, package, outcome, others)
                if keys := write_directly(load.pipeline, package, outcome.resource.name):
                    merges[load_id, outcome.resource.name] = keys
        with merging(merges):
            load.info = _load_packages(load.pipeline)
        if left := [package.load_id for package in load.info.load_packages if package.state != "loaded"]:
            raise LoadError(f"{request.name}: loading ended before packages {left} were loaded: retry")
        if request.page_limit is None:
            _handle_missing_rows(load, request)
        _count_rows(load)
        _note_last_load(load)


def _load_packages(pipeline: dlt.Pipeline) -> LoadInfo:
    """Write the packages; once more with all memory if DuckDB had too little of it."""
    # Families that load into a new dataset for the first time try to create it concurrently.
    again = Retrying(
        retry=retry_if_exception(retry_schema_update()),
        stop=stop_after_attempt(CREATE_ATTEMPTS),
        wait=wait_random(0, 1),
        reraise=True,
    )
    try:
        return again(pipeline.load)
    except Exception as error:
        if not is_out_of_memory(root_cause(error)):
            raise
    logger.warning("%s: these rows take more memory than DuckDB may use: now it may use all", pipeline.pipeline_name)
    with duckdb_unlimited():
        return again(pipeline.load)


def _completed(pipeline: dlt.Pipeline) -> frozenset[str]:
    """Return the ids of all loads of the family, where the destination tells them."""
    if not destination_traits().describes_tables:
        return frozenset()
    with tables_of(pipeline) as client:
        return completed_loads(client, pipeline.pipeline_name)


def _compare(load: Load, request: LoadRequest) -> Sequence[str]:
    """Compare the destination with what is known of it; returns the tables that are to be loaded as a whole again.

    Raises:
        LoadError: the tables are not those that the rows belong into.
    """
    stored = load.stored
    if stored is not None:
        with load.pipeline.destination_client(request.name) as job_client:
            refuse_retyped(job_client, stored)
    with tables_of(load.pipeline) as client:
        found = columns_in(client)
        tables = [table for outcome in load.outcomes.values() for table in outcome.tables]
        refuse_foreign_tables(client.dataset_name, found, tables)
        altered = forget_if_altered(client, found, stored) if stored is not None else []
        refuse_gap(client, request.after)
    return altered


def _handle_missing_rows(load: Load, request: LoadRequest) -> None:
    """Mark or delete the rows that a complete read did not return; fail the resource if there are too many."""
    connector = request.connector
    for outcome in load.outcomes.values():
        if not outcome.ready or outcome.resource.missing_rows == "keep":
            continue
        ignored = outcome.rejected or any(stats.ignored for stats in outcome.stats_by_slice.values())
        if outcome.resource.parent is None and ignored:
            continue  # neither an ignored response nor a row without a usable key shows that rows are missing
        list_of = outcome.resource.list_of
        missing_rows = MissingRows(
            resource=outcome.resource,
            load_ids=outcome.load_ids,
            parents=outcome.parents_read,
            loads_of_parent=load.outcomes[list_of.parent.name].load_ids if list_of else (),
            windows=outcome.windows_read_whole,
            now=request.now,
            max_loss=1.0 if request.accept_loss else settings.max_loss(connector),
            schema=load.schema,
        )
        try:
            with tables_of(load.pipeline) as client:
                missing = missing_rows.apply(client)
        except DatabaseUndefinedRelation:
            continue  # nothing is declared and no row was read: there is no table yet
        except LoadError as error:
            outcome.error, outcome.ready = error, False
            continue
        next(iter(outcome.landed.values())).missing_rows = missing


def _count_rows(load: Load) -> None:
    """Count the rows of the tables where the destination knows the number."""
    if not destination_traits().counts_rows:
        return
    with tables_of(load.pipeline) as client:
        for outcome in load.outcomes.values():
            if outcome.ready:
                outcome.table_rows = count_rows(client, outcome.resource.name)


def _note_last_load(load: Load) -> None:
    if load.own_ids:
        load.last_load_id = max(load.own_ids)
    elif destination_traits().describes_tables:
        with tables_of(load.pipeline) as client:
            load.last_load_id = last_load(client, load.pipeline.pipeline_name)


@contextmanager
def _objects_left_alone() -> Iterator[None]:
    """Keep Python's garbage collector from looking again and again at what is there before the load: mostly modules."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _step(load: Load, name: str) -> Iterator[None]:
    with _timed(load, name), load.family.at_destination():
        yield


@contextmanager
def _timed(load: Load, phase: str) -> Iterator[None]:
    started = time.monotonic()
    with measures.phase(phase, load.labels):
        yield
    load.seconds[phase] = load.seconds.get(phase, 0.0) + time.monotonic() - started
