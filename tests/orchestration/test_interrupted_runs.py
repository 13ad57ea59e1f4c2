"""Concurrent, killed and interrupted runs of Dagster: pools work, and no run waits forever."""

import os
from datetime import UTC, datetime
from functools import partial
from signal import SIGINT, SIGKILL, SIGTERM, raise_signal

import dagster as dg
import pytest

from connectors_dagster.definitions import defs
from connectors_dagster.orchestration.runs import RANGE_END, RANGE_START
from tests.support.processes import Job, Trap, start_command, start_launched
from tests.support.rows import order

pytestmark = [pytest.mark.journey, pytest.mark.usefixtures("shipped_configuration")]
JANUARY = ("--to", "2024-01-31")
ORDERS = ["storefront/orders"]


def folders(project) -> list[str]:
    return [
        path.name for base in (".connectors/loads", ".dagster/processes") for path in (project / base).glob("load-*")
    ]


def test_a_pool_allows_one_run_of_a_family_at_a_time_even_across_machines(api, warehouse, instance):
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00"), order(2, "2024-02-15T00:00:00")])
    begun = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    api.held = lambda _: len(instance.get_runs(filters=dg.RunsFilter(statuses=begun))) < 2
    api.delay = 4
    spans = {"here": JANUARY, "there": ("--from", "2024-01-31", "--to", "2024-03-01")}
    processes = []
    for folder, span in spans.items():
        job = Job(ORDERS, environment={**os.environ, "CONNECTORS__WORK_FOLDER": folder})
        processes.append(start_command(job, *span))
        # Not within milliseconds: in SQLite, Dagster finds a free slot and takes it in two separate steps.
        assert api.begun.wait(60)
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    there, here = instance.get_run_records()
    assert there.start_time < here.end_time
    assert api.most_concurrent == 1
    assert warehouse.ids("storefront.orders") == [1, 2]


@pytest.mark.parametrize("signal", [SIGINT, SIGTERM])
def test_a_signal_ends_the_command_immediately_and_cleanly(api, warehouse, project, instance, signal):
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    api.delay = 1
    process = start_command(Job(["storefront/customers", "storefront/orders"]), *JANUARY)
    assert api.begun.wait(60)
    os.kill(process.pid, signal)
    process.join()
    assert process.exitcode == 1
    assert [path for path, _ in api.requests] == ["/storefront/customers"]
    assert folders(project) == []
    [run] = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.CANCELED
    assert instance.event_log_storage.get_concurrency_run_ids() == set()


def test_a_signal_between_the_creation_of_a_run_and_its_start_leaves_a_green_window_green(
    api, project, instance, materialize
):
    assert materialize(*ORDERS, until=datetime(2024, 1, 31, tzinfo=UTC)).errors == []
    trap = Trap("dagster._core.execution.api:ExecuteRunWithPlanIterable.__init__", partial(raise_signal, SIGTERM))
    process = start_command(Job(ORDERS, trap=trap), *JANUARY)
    process.join()
    assert process.exitcode == 1
    interrupted, loaded = instance.get_runs()
    assert (interrupted.status, loaded.status) == (dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.SUCCESS)
    windows = dg.DynamicPartitionsDefinition(name="windows_P30D_from_2024-01-01")
    found = instance.get_status_by_partition(dg.AssetKey(["storefront", "orders"]), ["2024-01-01"], windows)
    assert [status.value for status in (found or {}).values()] == ["MATERIALIZED"]


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(Trap("requests.sessions:Session.send"), id="extraction"),
        pytest.param(Trap("connectors_dagster.read.preview:Preview.as_markdown"), id="loaded but not yet recorded"),
    ],
)
def test_a_killed_command_blocks_no_other_run_and_the_next_one_loads_exactly(
    api, warehouse, project, instance, materialize, place
):
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    process = start_command(Job(ORDERS, trap=place), *JANUARY)
    process.join()
    assert process.exitcode == -SIGKILL
    [killed] = instance.get_runs()
    assert instance.event_log_storage.get_concurrency_run_ids() == {killed.run_id}

    summary = materialize("storefront/orders", until=datetime(2024, 1, 31, tzinfo=UTC))
    assert summary.errors == [] and summary.lines["storefront/orders"].rows == 1
    assert warehouse.ids("storefront.orders") == [1]
    assert folders(project) == []
    assert instance.get_run_by_id(killed.run_id).status == dg.DagsterRunStatus.FAILURE
    assert instance.event_log_storage.get_concurrency_run_ids() == set()


def test_a_run_of_the_ui_is_ended_by_the_daemon_after_all_its_processes_were_killed_and_not_before(
    api, warehouse, project, instance, materialize
):
    """As if a machine was switched off: nobody is left who could report the run as failed."""
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    instance.add_dynamic_partitions("windows_P30D_from_2024-01-01", ["2024-01-01"])
    [sensor] = [one for one in defs().sensors or () if one.name == "end_orphaned_runs"]
    assert isinstance(sensor, dg.SensorDefinition) and sensor.default_status == dg.DefaultSensorStatus.RUNNING

    def tick() -> tuple[dg.DagsterRunStatus, set[str]]:
        sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
        [run] = instance.get_runs()
        return run.status, instance.event_log_storage.get_concurrency_run_ids()

    api.held = lambda _: not api_goes_on
    api_goes_on: list[bool] = []
    process = start_launched(Job(ORDERS), {RANGE_START: "2024-01-01", RANGE_END: "2024-01-01"})
    assert api.begun.wait(60)
    status, holders = tick()
    assert status == dg.DagsterRunStatus.STARTED and len(holders) == 1
    os.killpg(process.pid, SIGKILL)
    process.join()
    assert tick() == (dg.DagsterRunStatus.FAILURE, set())

    api_goes_on.append(True)
    assert materialize(*ORDERS, until=datetime(2024, 1, 31, tzinfo=UTC)).errors == []
    assert warehouse.ids("storefront.orders") == [1]
    assert folders(project) == []
