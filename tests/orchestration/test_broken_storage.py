"""Dagster's storage breaks, or a pool is held: the command fails and says why, and nothing waits forever."""

import logging
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from signal import SIGINT, SIGTERM, raise_signal

import dagster as dg
import pytest
from click.testing import CliRunner

from connectors_dagster.cli import main
from connectors_dagster.compat.dagster_internals import find_job
from connectors_dagster.compat.dagster_pools import BlockedRun
from connectors_dagster.config.workdir import live_folder
from connectors_dagster.definitions import defs
from connectors_dagster.errors import DestinationBusyError
from connectors_dagster.orchestration import runs
from connectors_dagster.orchestration.location import load_location
from connectors_dagster.orchestration.missing import plan_missing
from connectors_dagster.orchestration.orphaned_runs import end_orphaned_runs, process_of_runs
from connectors_dagster.orchestration.pool_wait import PoolWait
from connectors_dagster.orchestration.selection import select
from tests.support.processes import Job, Trap, fill_disk, start_command
from tests.support.rows import order

pytestmark = [pytest.mark.journey, pytest.mark.usefixtures("shipped_configuration")]
POOL = "storefront_orders"
ORDERS = ["storefront/orders"]
JANUARY = datetime(2024, 1, 31, tzinfo=UTC)


@pytest.fixture(autouse=True)
def orders(api) -> None:
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])


def held_slots(instance: dg.DagsterInstance) -> set[str]:
    return instance.event_log_storage.get_concurrency_run_ids()


def start_run(instance: dg.DagsterInstance, **tags: str) -> dg.DagsterRun:
    """Record a run of orders as started, with a slot in its pool."""
    job = find_job(defs(), "storefront").get_subset(asset_selection={dg.AssetKey(["storefront", "orders"])})
    run = instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
    assert instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "storefront__orders").is_claimed
    return run


def test_a_run_that_could_not_be_recorded_because_the_disk_is_full_is_ended_by_the_next_start(
    instance, warehouse, materialize
):
    process = start_command(Job(ORDERS, trap=Trap("requests.sessions:Session.send", fill_disk)), "--to", "2024-01-31")
    process.join()
    assert process.exitcode == 1
    [broken] = instance.get_runs()
    assert not broken.is_finished and held_slots(instance) == {broken.run_id}

    assert materialize(*ORDERS, until=JANUARY).errors == []
    assert instance.get_run_by_id(broken.run_id).status == dg.DagsterRunStatus.FAILURE
    assert held_slots(instance) == set()
    assert warehouse.ids("storefront.orders") == [1]


def test_runs_that_are_not_finished_when_their_process_ends_are_ended_and_their_slots_freed(instance, project):
    failed, canceled = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED
    for error, status in ((None, failed), (RuntimeError, failed), (KeyboardInterrupt, canceled), (SystemExit, failed)):
        with suppress(error or ()), process_of_runs(instance) as note:
            run = start_run(instance)
            note(run.run_id)
            if error:
                raise error
        assert instance.get_run_by_id(run.run_id).status == status
        assert held_slots(instance) == set()
    assert not list((project / ".dagster" / "processes").glob("load-*"))


def test_runs_are_ended_later_if_the_storage_is_damaged_while_their_process_ends(instance, project, caplog):
    database = project / ".dagster" / "history" / "runs.db"
    with process_of_runs(instance) as note:
        run = start_run(instance)
        note(run.run_id)
        shutil.copy(database, project / "kept")
        database.write_bytes(b"no longer a database")
    assert "the next start ends the runs of this process: file is not a database" in caplog.text
    shutil.copy(project / "kept", database)
    end_orphaned_runs(instance)
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
    assert held_slots(instance) == set()


def test_the_schedule_is_not_held_up_by_a_run_whose_process_is_gone(instance, project):
    definitions = defs()
    schedule, repository = definitions.resolve_schedule_def("refresh_storefront"), definitions.get_repository_def()

    def requests_the_first_window_of_orders() -> bool:
        with dg.build_schedule_context(instance=instance, repository_def=repository) as context:
            requests = schedule.evaluate_tick(context).run_requests
        first = [request for request in requests if request.tags.get(runs.RANGE_START) == "2024-01-01"]
        return any(dg.AssetKey(["storefront", "orders"]) in request.asset_selection for request in first)

    with live_folder(project / ".dagster" / "processes") as folder:
        run = start_run(instance, **{"dagster/partition": "2024-01-01"})
        (folder / f"{run.run_id}.run").touch()
        assert not requests_the_first_window_of_orders()
    assert requests_the_first_window_of_orders()
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
    assert held_slots(instance) == set()


def test_what_a_killed_run_has_not_loaded_is_missing_and_not_running(instance, project):
    selected = select(load_location(), ORDERS)
    with live_folder(project / ".dagster" / "processes") as folder:
        run = start_run(instance, **{"dagster/partition": "2024-01-01"})
        (folder / f"{run.run_id}.run").touch()
        assert not list(plan_missing(instance, selected, until=JANUARY))
    [plan] = plan_missing(instance, selected, until=JANUARY)
    assert plan.windows == ["2024-01-01"]
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE


def test_a_run_that_waits_for_a_pool_says_who_holds_it_and_gives_up(instance, materialize, monkeypatch, caplog, api):
    monkeypatch.setenv("CONNECTORS__SIBLINGS_TIMEOUT", "0.2")
    holder = start_run(instance)
    [error] = materialize(*ORDERS, until=JANUARY).errors
    assert f"the pool {POOL}, held by run {holder.run_id}" in error and "(STARTED" in error
    assert "CONNECTORS__SIBLINGS_TIMEOUT" in error
    assert f"UTC for the pool {POOL}, held by run {holder.run_id}" in caplog.text
    assert [run.status.value for run in instance.get_runs()] == ["FAILURE", "STARTED"]
    assert held_slots(instance) == {holder.run_id}
    assert api.requests == []


def test_the_runs_of_a_command_wait_for_pools_no_longer_than_one_timeout_together(instance, monkeypatch):
    monkeypatch.setenv("CONNECTORS__SIBLINGS_TIMEOUT", "0.2")
    start_run(instance)
    wait = PoolWait()

    def tries(run_id: str) -> int:
        """How often a run tries until it gives up."""
        run = BlockedRun(instance=instance, run_id=run_id, pools={"step": POOL}, log=logging.getLogger(), last=True)
        tried: list[str] = []
        with suppress(DestinationBusyError):
            while len(tried) < 10:
                tried.append(run_id)
                wait(run)
        return len(tried)

    assert (tries("first"), tries("second")) == (2, 1)


@pytest.mark.parametrize("signal", [SIGINT, SIGTERM])
def test_a_signal_ends_a_run_that_waits_for_a_pool(instance, api, signal):
    holder = start_run(instance)
    interrupt = Trap(
        "connectors_dagster.orchestration.pool_wait:PoolWait.__call__", partial(raise_signal, signal), nth=2
    )
    process = start_command(Job(ORDERS, trap=interrupt), "--to", "2024-01-31")
    process.join()
    assert process.exitcode == 1
    assert [run.status.value for run in instance.get_runs()] == ["CANCELED", "STARTED"]
    assert held_slots(instance) == {holder.run_id}
    assert api.requests == []


def test_a_damaged_storage_is_named_with_what_to_do(instance, project):
    (project / ".dagster" / "history" / "runs.db").write_bytes(b"no longer a database")
    result = CliRunner().invoke(main, ["run", *ORDERS])
    assert result.exit_code == 1
    assert (
        f"Dagster's storage, configured in {project}/.dagster, cannot be used: file is not a database" in result.output
    )
