"""One dlt pipeline per family and run: everything is read first, then loaded as one."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.configuration.exceptions import DuplicateConfigProviderException
from dlt.common.configuration.providers import CustomLoaderDocProvider
from dlt.common.exceptions import DltException
from dlt.common.pipeline import LoadInfo
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.pipeline.helpers import retry_schema_update
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

from connectors_dagster.config import settings
from connectors_dagster.config.locks import alone
from connectors_dagster.config.workdir import private_folder, work_folder
from connectors_dagster.errors import LoadError, TransientLoadError
from connectors_dagster.http.rate_limiter import RateLimiter
from connectors_dagster.http.session import RequestPolicy
from connectors_dagster.load.append_new_keys import append_new_keys
from connectors_dagster.load.destination import build_destination, destination_name, writer
from connectors_dagster.load.dlt_errors import is_transient, root_cause
from connectors_dagster.load.extract import Outcome, extract
from connectors_dagster.load.missing_rows import MissingRows
from connectors_dagster.load.noise import without_known_warnings
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.secrets.redaction import remember
from connectors_dagster.spec.connector import Connector

CREATE_ATTEMPTS = 10
KNOW_THEIR_SIZE = {"duckdb", "motherduck"}
"""Destinations that count the rows of a table without reading it."""
DUCKDB = {"memory_limit": "192MB", "threads": 2, "preserve_insertion_order": False}
DEFAULTS = {
    # Rows say which load brought them; they need no number of their own, they have a key.
    "normalize": {"parquet_normalizer": {"add_dlt_load_id": True}},
    # Half of the time to extract goes into compressing files that live for seconds.
    "data_writer": {"disable_compression": True},
    "load": {"truncate_staging_dataset": True},
    # DuckDB would take most of the machine's memory for itself: what does not fit goes to disk beside the file.
    "destination": {"duckdb": {"credentials": {"global_config": DUCKDB}}},
    # dlt would finish what it is at and forget that somebody asked the process to end.
    "runtime": {"dlthub_telemetry": False, "intercept_signals": False},
}


@dataclass
class Load:
    """What became of a family; valid while its pipeline's folder exists."""

    pipeline: dlt.Pipeline
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    info: LoadInfo | None = None
    seconds: dict[str, float] = field(default_factory=dict)


@contextmanager
def loading(request: LoadRequest) -> Iterator[Load]:
    """Read and load an order.

    A resource that fails is reported in its outcome, the others are loaded.

    Raises:
        MissingSettingsError: before any request.
        DestinationBusyError, LoadError: nothing of this order is claimed as loaded.
    """
    use_defaults()
    client, policy = connect(request.connector, request.max_parallel_requests)
    work = work_folder()
    with (
        alone(work / "families" / f"{request.name}.lock", f"reading and loading {request.name}"),
        private_folder(work / "loads") as folder,
    ):
        pipeline = dlt.pipeline(
            pipeline_name=request.name,
            pipelines_dir=str(folder),
            destination=build_destination(),
            dataset_name=request.connector.name,
        )
        load = Load(pipeline)
        with _step(load, "schema"):
            pipeline.sync_destination()
        with _timed(load, "extract"):
            load.outcomes = extract(pipeline, request, client, policy)
        pa.default_memory_pool().release_unused()
        if any(outcome.dlt_resource is not None for outcome in load.outcomes.values()):
            _load(load, request)
        yield load


def connect(connector: Connector, max_parallel_requests: int | None = None) -> tuple[Mapping[str, Any], RequestPolicy]:
    """Read the settings of a connector: dlt's client configuration, and how requests are made.

    Raises:
        MissingSettingsError: names every setting without a value.
        ApiError: the address is none, or would send the credentials unencrypted.
    """
    values = settings.read_settings(connector)
    remember(settings.secret_values(values))
    client = settings.fill(connector.config["client"], values)
    budget = RateLimiter(
        folder=work_folder() / "requests" / connector.name,
        at_once=max_parallel_requests or settings.max_parallel_requests(connector),
        per_minute=settings.requests_per_minute(connector),
    )
    return client, RequestPolicy(
        base_url=client["base_url"],
        retry=connector.retry,
        allow_http=settings.allow_http(connector.name),
        budget=budget,
        rate_limit_header=connector.rate_limit_header,
    )


def use_defaults() -> None:
    """Offer the settings this project needs to dlt, below everything people configure."""
    try:
        dlt.config.register_provider(
            CustomLoaderDocProvider("connectors_dagster", lambda: DEFAULTS, False, locations=())
        )
    except DuplicateConfigProviderException:
        return


def _load(load: Load, request: LoadRequest) -> None:
    # Families that load into a new dataset for the first time want to create it all at once.
    again = Retrying(
        retry=retry_if_exception(retry_schema_update()),
        stop=stop_after_attempt(CREATE_ATTEMPTS),
        wait=wait_random(0, 1),
        reraise=True,
    )
    with _step(load, "load"), without_known_warnings():
        for outcome in load.outcomes.values():
            for load_id in outcome.load_ids:
                append_new_keys(load.pipeline, load_id, outcome.resource.name)
        load.info = again(load.pipeline.load)
        if left := [package.load_id for package in load.info.load_packages if package.state != "loaded"]:
            raise LoadError(f"{request.name}: loading ended before packages {left} were loaded: run again")
        if request.page_limit is None:
            _settle_absent(load, request)
        _count_rows(load)


def _settle_absent(load: Load, request: LoadRequest) -> None:
    """Keep, mark or delete what a whole read no longer found; a loss too large is that resource's failure."""
    connector = request.connector
    for outcome in load.outcomes.values():
        if outcome.dlt_resource is None or outcome.resource.missing_rows == "keep":
            continue
        if outcome.resource.parent is None and any(stats.ignored for stats in outcome.stats_by_slice.values()):
            continue  # what was not answered proves nothing absent
        absence = MissingRows(
            resource=outcome.resource,
            load_ids=outcome.load_ids,
            parents=outcome.parents_read,
            now=request.now,
            max_loss=1.0 if request.accept_loss else settings.max_loss(connector.name),
        )
        try:
            with load.pipeline.sql_client() as client:
                absent = absence.settle(client)
        except LoadError as error:
            outcome.error, outcome.dlt_resource = error, None
            continue
        next(iter(outcome.stats_by_slice.values())).absent = absent


def _count_rows(load: Load) -> None:
    """Count the rows of the tables where that reads none of them."""
    if destination_name() not in KNOW_THEIR_SIZE:
        return
    with load.pipeline.sql_client() as client:
        for outcome in load.outcomes.values():
            if outcome.dlt_resource is not None:
                table = client.make_qualified_table_name(outcome.resource.name)
                outcome.table_rows = int((client.execute_sql(f"SELECT count(*) FROM {table}") or [(0,)])[0][0])


@contextmanager
def _step(load: Load, name: str) -> Iterator[None]:
    """Do a step at the destination, as its only writer where needed.

    Raises:
        LoadError: says whose step failed and why.
    """
    try:
        with _timed(load, name), writer(load.pipeline):
            yield
    except (PipelineStepFailed, DltException) as error:
        kind = TransientLoadError if is_transient(error) else LoadError
        raise kind(f"{load.pipeline.pipeline_name}: {root_cause(error)}") from None


@contextmanager
def _timed(load: Load, phase: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    load.seconds[phase] = load.seconds.get(phase, 0.0) + time.monotonic() - started
