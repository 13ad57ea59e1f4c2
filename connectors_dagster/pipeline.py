"""One dlt pipeline per family and run: everything is read first, then loaded as one."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dlt
from dlt.common.configuration.exceptions import DuplicateConfigProviderException
from dlt.common.configuration.providers import CustomLoaderDocProvider
from dlt.common.exceptions import DltException
from dlt.common.pipeline import LoadInfo
from dlt.common.schema import Schema
from dlt.common.schema.typing import TTableSchemaColumns
from dlt.extract import DltResource, DltSource
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.pipeline.helpers import retry_schema_update
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

from connectors_dagster import settings
from connectors_dagster.absent import Absence
from connectors_dagster.body import decode_row
from connectors_dagster.clock import Clock
from connectors_dagster.columns import Columns
from connectors_dagster.connector import ABSENT_SINCE, Connector, Resource
from connectors_dagster.destination import build_destination, file_format, writer
from connectors_dagster.errors import ApiError, LoadError, TransientApiError, TransientLoadError
from connectors_dagster.folder import private_folder, work_folder
from connectors_dagster.lock import alone
from connectors_dagster.redaction import redact, remember
from connectors_dagster.session import Policy
from connectors_dagster.source import Reading
from connectors_dagster.tally import Tally
from connectors_dagster.window import Slice

logger = logging.getLogger(__name__)
CREATE_ATTEMPTS = 10
NOISE = ("several column hints were different", "native writer could not be found")
HINTS = ("primary_key", "merge_key", "write_disposition", "schema_contract", "max_table_nesting", "table_format")
DEFAULTS = {
    # Rows say which load brought them; they need no number of their own, they have a key.
    "normalize": {"parquet_normalizer": {"add_dlt_load_id": True}},
    # Half of the time to extract goes into compressing files that live for seconds.
    "data_writer": {"disable_compression": True},
    "load": {"truncate_staging_dataset": True},
    # dlt would finish what it is at and forget that somebody asked the process to end.
    "runtime": {"dlthub_telemetry": False, "intercept_signals": False},
}


@dataclass
class Outcome:
    """What became of one resource of a family."""

    resource: Resource
    tallies: Mapping[Slice | None, Tally] = field(default_factory=dict)
    dlt_resource: DltResource | None = None
    load_ids: Sequence[str] = ()
    parents_read: Sequence[Any] = ()
    seconds: float = 0.0
    error: Exception | None = None


@dataclass
class Load:
    """What became of a family; valid while its pipeline's folder exists."""

    pipeline: dlt.Pipeline
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    info: LoadInfo | None = None
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to load: resources of one family, and the slices of the windows to read.

    Args:
        resources: the resources to load; ancestors that are not among them are read for their keys only.
        slices: empty for a family that is loaded whole.
        max_parallel_requests: requests under way at once; as configured when left out.
        accept_loss: let tables lose as many rows as the API no longer returns.
    """

    resources: Sequence[Resource]
    slices: Sequence[Slice] = ()
    max_parallel_requests: int | None = None
    accept_loss: bool = False

    @property
    def connector(self) -> Connector:
        """The connector all resources belong to."""
        return self.resources[0].connector

    @property
    def name(self) -> str:
        """The name of pipeline and dlt schema."""
        return f"{self.connector.name}_{self.resources[0].family}"

    def readings(self) -> list[Resource]:
        """All resources to read, parents first."""
        wanted = {r.name for r in self.resources}
        for resource in self.resources:
            while resource.parent:
                resource = resource.parent
                wanted.add(resource.name)
        return [r for r in self.connector.resources.values() if r.name in wanted]


@contextmanager
def loading(order: Order) -> Iterator[Load]:
    """Read and load an order.

    A resource that fails is reported in its outcome, the others are loaded.

    Raises:
        MissingSettingsError: before any request.
        DestinationBusyError, LoadError: nothing of this order is claimed as loaded.
    """
    use_defaults()
    client, policy = connect(order.connector)
    work = work_folder()
    with (
        alone(work / "families" / f"{order.name}.lock", f"reading and loading {order.name}"),
        private_folder(work / "loads") as folder,
    ):
        pipeline = dlt.pipeline(
            pipeline_name=order.name,
            pipelines_dir=str(folder),
            destination=build_destination(),
            dataset_name=order.connector.name,
        )
        load = Load(pipeline)
        with _step(load, "schema"):
            pipeline.sync_destination()
        with _timed(load, "extract"):
            _extract(load, order, client, policy)
        if any(outcome.dlt_resource is not None for outcome in load.outcomes.values()):
            _load(load, order)
        yield load


def connect(connector: Connector) -> tuple[Mapping[str, Any], Policy]:
    """Read the settings of a connector: dlt's client configuration, and how requests are made.

    Raises:
        MissingSettingsError: names every setting without a value.
        ApiError: the address is none, or would send the credentials unencrypted.
    """
    values = settings.read_settings(connector)
    remember(settings.secret_values(values))
    client = settings.fill(connector.config["client"], values)
    http = settings.allow_http(connector.name)
    return client, Policy(base_url=client["base_url"], retry=connector.retry, allow_http=http)


def use_defaults() -> None:
    """Offer the settings this project needs to dlt, below everything people configure."""
    try:
        dlt.config.register_provider(
            CustomLoaderDocProvider("connectors_dagster", lambda: DEFAULTS, False, locations=())
        )
    except DuplicateConfigProviderException:
        return


def _extract(load: Load, order: Order, client: Mapping[str, Any], policy: Policy) -> None:
    connector = order.connector
    readings: dict[str, Reading] = {}
    for resource in order.readings():
        parent = resource.parent
        reading = readings[resource.name] = Reading(
            resource=resource,
            client=client,
            policy=policy,
            slices=order.slices,
            parents=readings[parent.name].rows_of_children if parent else {},
            workers=order.max_parallel_requests or settings.max_parallel_requests(connector),
        )
        outcome = load.outcomes[resource.name] = Outcome(resource, reading.tallies)
        if parent and (failed := load.outcomes[parent.name].error):
            kind = TransientApiError if isinstance(failed, TransientApiError) else ApiError
            outcome.error = kind(f"{resource}: not read, because its parent {parent} failed")
            continue
        _read(load, order, reading)


def _read(load: Load, order: Order, reading: Reading) -> None:
    outcome, started = load.outcomes[reading.resource.name], time.monotonic()
    try:
        if reading.resource in order.resources:
            outcome.dlt_resource, outcome.load_ids = _extract_resource(load.pipeline, order, reading)
            outcome.parents_read = reading.parents_read
        else:
            for _ in reading.pages():
                continue
    except (PipelineStepFailed, ApiError, LoadError) as error:
        outcome.error = _cause(error)
    outcome.seconds = time.monotonic() - started


def _extract_resource(pipeline: dlt.Pipeline, order: Order, reading: Reading) -> tuple[DltResource, Sequence[str]]:
    resource = reading.resource
    columns = _columns(pipeline, order, resource)
    dlt_resource: DltResource = dlt.resource(
        _items(reading, columns),
        name=resource.name,
        columns=_hints(resource, columns) if columns else {},
        **{key: value for key, value in resource.definition.items() if key in HINTS},
    )
    source = DltSource(Schema(order.name), resource.connector.name, [dlt_resource])
    with _no_noise():
        extracted = pipeline.extract(source, loader_file_format=file_format(pipeline.destination))
        ready = pipeline.normalize().row_counts.get(resource.name, 0)
    for tally in reading.tallies.values():
        tally.drift, tally.missing_fields = _remarks(columns)
    _check_count(reading, ready)
    return dlt_resource, extracted.loads_ids


def _remarks(columns: Columns | None) -> tuple[dict[str, str], list[str]]:
    if columns is None:
        return {}, []
    return columns.drift, [name for name in columns.missing if name != ABSENT_SINCE]


def _items(reading: Reading, columns: Columns | None) -> Iterator[Any]:
    """Yield batches, or rows for dlt to find the columns of."""
    if columns is None:
        for rows, _ in reading.pages():
            yield [decode_row(row) for row in rows]
        return
    known = 0
    for batch in reading.batches(columns):
        new = len(columns.hints) > known
        known = len(columns.hints)
        hints = dlt.mark.make_hints(columns=_hints(reading.resource, columns)) if new else None
        yield dlt.mark.with_hints(batch, hints) if hints else batch


def _columns(pipeline: dlt.Pipeline, order: Order, resource: Resource) -> Columns | None:
    if not resource.columns:
        return None
    schema = pipeline.schemas[order.name] if order.name in pipeline.schemas else Schema(order.name)
    return Columns(
        label=str(resource),
        declared=resource.columns,
        keys=frozenset(resource.primary_key),
        naming=schema.naming,
        capabilities=pipeline.destination.capabilities(),
        stored=schema.tables.get(resource.name, {}).get("columns", {}),
        clock=resource.cursor.clock if resource.cursor else Clock(),
    )


def _hints(resource: Resource, columns: Columns) -> TTableSchemaColumns:
    """Return the column hints; of a row that comes twice in a load, the one with the newest cursor stays."""
    hints: TTableSchemaColumns = {name: {**column} for name, column in columns.hints.items()}
    cursor = str((resource.incremental or {}).get("cursor_path"))
    if cursor in hints:
        hints[cursor]["dedup_sort"] = "desc"
    return hints


def _load(load: Load, order: Order) -> None:
    # Families that load into a new dataset for the first time want to create it all at once.
    again = Retrying(
        retry=retry_if_exception(retry_schema_update()),
        stop=stop_after_attempt(CREATE_ATTEMPTS),
        wait=wait_random(0, 1),
        reraise=True,
    )
    with _step(load, "load"):
        load.info = again(load.pipeline.load)
        if left := [package.load_id for package in load.info.load_packages if package.state != "loaded"]:
            raise LoadError(f"{order.name}: loading ended before packages {left} were loaded: run again")
        _settle_absent(load, order)


def _settle_absent(load: Load, order: Order) -> None:
    """Keep, mark or delete what a whole read no longer found; a loss too large is that resource's failure."""
    connector = order.connector
    for outcome in load.outcomes.values():
        if outcome.dlt_resource is None or outcome.resource.absent == "keep":
            continue
        absence = Absence(
            resource=outcome.resource,
            load_ids=outcome.load_ids,
            parents=outcome.parents_read,
            now=datetime.now(UTC),
            max_loss=1.0 if order.accept_loss else settings.max_loss(connector.name),
        )
        try:
            with load.pipeline.sql_client() as client:
                absent = absence.settle(client)
        except LoadError as error:
            outcome.error, outcome.dlt_resource = error, None
            continue
        next(iter(outcome.tallies.values())).absent = absent


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
        kind = TransientLoadError if _may_pass(error) else LoadError
        raise kind(f"{load.pipeline.pipeline_name}: {_cause(error)}") from None


def _check_count(reading: Reading, ready: int) -> None:
    read = sum(tally.rows for tally in reading.tallies.values())
    if read != ready:
        raise LoadError(f"{reading.resource}: {read} rows were read, but {ready} are ready to load")


def _cause(error: BaseException) -> Exception:
    """Find what this project raised below what dlt wrapped around it; anything else is redacted."""
    chain = list(_chain(error))
    ours = (found for found in chain if isinstance(found, (ApiError, LoadError)))
    return next(ours, None) or LoadError(redact(f"{type(chain[-1]).__name__}: {chain[-1]}"))


def _may_pass(error: BaseException) -> bool:
    """Tell failures of the destination's operation, by the name every database driver gives them (PEP 249)."""
    return any(kind.__name__ == "OperationalError" for found in _chain(error) for kind in type(found).__mro__)


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


@contextmanager
def _timed(load: Load, phase: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    load.seconds[phase] = load.seconds.get(phase, 0.0) + time.monotonic() - started


@contextmanager
def _no_noise() -> Iterator[None]:
    """Keep dlt from warning at every batch of what is meant: json as Arrow text, and rows as SQL."""

    def other(record: logging.LogRecord) -> bool:
        return not any(noise in str(record.msg) for noise in NOISE)

    log = logging.getLogger("dlt")
    log.addFilter(other)
    try:
        yield
    finally:
        log.removeFilter(other)
