"""Families as multi-assets: one op reads, loads and reports parents together with their children."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import cache
from inspect import Parameter, Signature
from typing import NoReturn

import dagster as dg
from pydantic import Field

from connectors_dagster.compat.dagster_internals import is_last_attempt, retry_delay
from connectors_dagster.config import settings
from connectors_dagster.errors import (
    TRANSIENT,
    ApiError,
    DestinationBusyError,
    LoadError,
    SettingError,
    caused_by,
    is_same_for_all,
)
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.automation import cron_of
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.declarative import RESUMES, build_condition
from connectors_dagster.orchestration.load_report import LoadReport
from connectors_dagster.orchestration.masked import masked_errors
from connectors_dagster.orchestration.metadata import response_metadata
from connectors_dagster.orchestration.partitions import partitions_of
from connectors_dagster.orchestration.resume import is_reread_due, resume
from connectors_dagster.orchestration.window_runs import WINDOWS_PER_RUN, loads
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice, Window, describe_windows

# Raised explicitly, for transient errors only: as the policy of an op, it would also retry after Ctrl-C.
RETRY = dg.RetryPolicy(max_retries=2, delay=15, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
MATERIALIZE = Signature([Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=dg.AssetExecutionContext)])
ALTERED = (
    "{connector}.{table} was dropped or altered by hand since the last load. It was created again, and all windows of "
    "its family count as not loaded: the schedule loads them again."
)


class ReadConfig(dg.Config):
    """How a run reads. All fields are optional."""

    full: bool = Field(
        default=True,
        description=(
            "Read windows from their start. When false, each window resumes where its last read ended, minus the time "
            "the API may take to show a change; the schedule does this. "
            "Resources without windows are always read as a whole."
        ),
    )
    accept_loss: bool = Field(
        default=False,
        description="Delete or mark the rows that the API no longer returns, even if they are most of the table.",
    )
    page_limit: int | None = Field(
        default=None,
        ge=1,
        description=(
            "A trial: read at most this many pages of each window, or of the children of each parent. "
            "A trial completes no window and treats no row as deleted."
        ),
    )
    max_parallel_requests: int | None = Field(
        default=None,
        ge=1,
        description="Maximum concurrent requests, for this run only. Defaults to the connector's setting.",
    )


@cache
def _config_fields() -> dict[str, dg.Field]:
    """Return the fields of `ReadConfig`, which Dagster would find out anew for every op that is annotated with it."""
    return ReadConfig.to_fields_dict()


def build_assets(assets: ConnectorAssets) -> list[dg.AssetsDefinition]:
    """Build one multi-asset per family of a connector, with conditions if these keep the connector current."""
    declarative = settings.automation(assets.connector) == "declarative"
    condition = build_condition(assets, cron_of(assets)) if declarative else None
    return [build_family(assets, op_name, condition) for op_name in assets.families]


def build_family(
    assets: ConnectorAssets, op_name: str, condition: dg.AutomationCondition[dg.AssetKey] | None = None
) -> dg.AssetsDefinition:
    """Build the multi-asset of a family. Any subset of its resources can be materialized."""
    members = assets.families[op_name]
    windowed = members[0].windowed

    def materialize(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        config = ReadConfig(**context.op_execution_context.op_config)
        selected = [resource for resource in members if assets.key(resource) in context.selected_asset_keys]
        now = clock.now()
        report = LoadReport(context, assets, selected, page_limit=config.page_limit)
        slices = _slices(context, assets, selected, config, now)
        left = [slice_ for slice_ in slices if not report.has_landed(slice_)] or slices
        request = LoadRequest(
            now=now,
            resources=selected,
            max_parallel_requests=config.max_parallel_requests,
            accept_loss=config.accept_loss,
            page_limit=config.page_limit,
        )
        with masked_errors():
            errors = _load(context, report, [replace(request, slices=part) for part in loads(members[0], left)])
            yield from report.results()
            if errors:
                _fail(context, errors, report.landed())

    # Dagster asks for the signature of a function a dozen times, and it is the same for all families.
    materialize.__signature__ = MATERIALIZE  # type: ignore[attr-defined]
    return dg.multi_asset(
        name=op_name,
        specs=[_with_condition(assets.specs[resource.name], condition) for resource in members],
        can_subset=True,
        partitions_def=partitions_of(assets.grid) if windowed else None,
        backfill_policy=dg.BackfillPolicy.multi_run(WINDOWS_PER_RUN) if windowed else None,
        pool=members[0].pipeline_name,
        config_schema=_config_fields(),
    )(materialize)


def _with_condition(spec: dg.AssetSpec, condition: dg.AutomationCondition[dg.AssetKey] | None) -> dg.AssetSpec:
    """Return an asset with a condition, unless its translation has given it another one."""
    if condition is None or spec.automation_condition:
        return spec
    return spec.replace_attributes(automation_condition=condition)


def _slices(
    context: dg.AssetExecutionContext,
    assets: ConnectorAssets,
    selected: Sequence[Resource],
    config: ReadConfig,
    now: datetime,
) -> list[Slice]:
    cursor = selected[0].root.cursor
    if cursor is None:
        return []
    grid, lookback = assets.grid, settings.unsettled_time(selected[0])
    windows = [_window(assets, key) for key in context.partition_keys]
    slices = grid.slices(windows, now=now, lookback=lookback, timestamps=cursor.timestamp_format)
    if not config.full or RESUMES.items() <= context.run.tags.items():
        if is_reread_due(context.instance, assets, selected, slices, now):
            slices = [replace(slice_, unfiltered=True) for slice_ in slices]
        slices = resume(context.instance, assets, selected, slices)
    return [slice_.trial() for slice_ in slices] if config.page_limit else slices


def _window(assets: ConnectorAssets, key: str) -> Window:
    try:
        return assets.grid.find(key)
    except ValueError as error:
        what = f"{assets.connector.name}: {error}. The sensor {assets.sensor_name} removes the partition"
    raise dg.Failure(what, allow_retries=False)


def _load(
    context: dg.AssetExecutionContext, report: LoadReport, requests: Sequence[LoadRequest]
) -> Sequence[Exception]:
    """Load one request after the other, unless the others would fail as well; returns what failed."""
    # Imported here so that listing definitions does not load Arrow.
    from connectors_dagster.load.pipeline import load_in_turn

    errors: list[Exception] = []
    with closing(load_in_turn(requests)) as loads:
        for number, request in enumerate(requests, 1):
            left, is_over = requests[number:], False
            try:
                load = next(loads)
                for table in load.altered:
                    context.log.warning(ALTERED.format(connector=request.connector.name, table=table))
                report.record(load, is_last=not left)
                found = [error for outcome in load.outcomes.values() for error in outcome.errors]
            except (SettingError, ApiError, LoadError, DestinationBusyError) as error:
                found, is_over = [error], True
            errors += found
            if is_over or (left and any(map(is_same_for_all, found))):
                report.abandon()
                if left:
                    windows = describe_windows(slice_.window for request in left for slice_ in request.slices)
                    skipped = f"{request.resources[0].root} window {windows}: not read, because other windows failed"
                    errors.append(caused_by(found, skipped))
                break
    return errors


def _fail(context: dg.AssetExecutionContext, errors: Sequence[Exception], landed: Sequence[str]) -> NoReturn:
    description = "\n".join([*map(str, errors), *landed])
    failure = dg.Failure(description, metadata=response_metadata(errors), allow_retries=False)
    if not all(isinstance(error, TRANSIENT) for error in errors):
        raise failure
    if is_last_attempt(RETRY, context):
        raise failure  # Dagster itself would say that retries are used up, before it says why
    wait = retry_delay(RETRY, context)
    context.log.warning(f"{description}\nThe step is tried again in {wait:.0f} s.")
    raise dg.RetryRequested(max_retries=RETRY.max_retries, seconds_to_wait=wait) from failure
