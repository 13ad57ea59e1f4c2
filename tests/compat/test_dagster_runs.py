"""Runs that a process executes itself are stored like those that the UI launches."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from connectors_dagster.compat.dagster_internals import checks_of, find_job
from connectors_dagster.compat.dagster_runs import Location, RunResult, execute_run

SHOP = Location(name="shops", module="shops.definitions")
DAYS = dg.StaticPartitionsDefinition(["monday", "tuesday"])


@dg.asset(partitions_def=DAYS)
def orders(context: dg.AssetExecutionContext) -> None:
    context.log.info(str(context.partition_keys))


@dg.asset_check(asset=orders)
def counted() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset
def interrupted() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    signal.sigtimedwait([], 5)


@dg.asset
def broken() -> None:
    raise ValueError("a bug")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def execute(
    instance: dg.DagsterInstance, *names: str, checks: bool = False, tags: dict[str, str] | None = None
) -> RunResult:
    assets = [orders, interrupted, broken]
    load = dg.define_asset_job("load", dg.AssetSelection.assets(*assets), tags={"shop": "ours"})
    job = find_job(dg.Definitions(assets, asset_checks=[counted], jobs=[load]), "load")
    return execute_run(
        job,
        instance,
        run_id="11111111-1111-4111-8111-111111111111",
        location=SHOP,
        assets={dg.AssetKey(name) for name in names},
        checks=checks_of(job, {orders.key}) if checks else frozenset(),
        tags=tags or {},
        run_config={},
    )


def test_a_run_has_the_job_origin_selection_and_tags_with_which_the_ui_shows_it_and_executes_it_again(instance):
    days = {"dagster/asset_partition_range_start": "monday", "dagster/asset_partition_range_end": "tuesday"}
    result = execute(instance, "orders", tags={**days, "by": "hand"})
    assert result.success
    [run] = instance.get_runs(filters=dg.RunsFilter(job_name="load", tags={"by": "hand", "shop": "ours", **days}))
    assert run.asset_selection == {orders.key} and run.asset_check_selection == set()
    assert run.remote_job_origin and run.remote_job_origin.location_name == "shops"
    assert run.remote_job_origin.repository_origin.get_label() == "__repository__@shops"
    assert {event.step_key for event in result.events if event.is_step_event} == {"orders"}
    assert instance.get_materialized_partitions(orders.key) == {"monday", "tuesday"}


def test_a_run_of_checks_loads_nothing(instance):
    result = execute(instance, checks=True)
    assert result.success and not result.run.asset_selection
    assert {event.step_key for event in result.events if event.is_step_event} == {"orders_counted"}


def test_the_errors_of_steps_are_events(instance):
    result = execute(instance, "broken")
    assert result.run.status is dg.DagsterRunStatus.FAILURE
    assert any(event.is_step_failure for event in result.events)


def test_a_signal_cancels_a_run(instance):
    assert execute(instance, "interrupted").run.status is dg.DagsterRunStatus.CANCELED
