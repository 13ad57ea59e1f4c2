"""The parts of Dagster's pools and storage that are not public: one test each, which fails on a change."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.plan.active import ActiveExecution

from connectors_dagster.compat import dagster_pools as pools
from connectors_dagster.compat.dagster_internals import run_failure


@dg.op(pool="taken")
def blocked() -> None:
    """An op that waits for its pool."""


@dg.op
def free() -> None:
    """An op without a pool."""


@dg.job(executor_def=dg.in_process_executor)
def both() -> None:
    """A job of both ops."""
    blocked()
    free()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        instance.event_log_storage.set_concurrency_slots("taken", 1)
        yield instance


def hold(instance: dg.DagsterInstance) -> str:
    run = instance.create_run_for_job(both, status=dg.DagsterRunStatus.STARTED)
    assert instance.event_log_storage.claim_concurrency_slot("taken", run.run_id, "blocked").is_claimed
    return run.run_id


def test_the_holders_of_a_pool_are_known(instance):
    assert pools.pool_holders(instance, "taken") == []
    holder = hold(instance)
    assert pools.pool_holders(instance, "taken") == [holder]


def test_pools_without_a_limit_of_one_are_known(instance, tmp_path):
    assert pools.unlimited_pools(instance, ["taken", "other"]) == ["other"]
    (tmp_path / "own").mkdir()
    limits = {"concurrency": {"pools": {"default_limit": 1}}}
    with dg.DagsterInstance.local_temp(str(tmp_path / "own"), overrides=limits) as limited:
        assert pools.unlimited_pools(limited, ["taken", "other"]) == []


def test_a_run_that_waits_is_paused_until_its_pool_is_free_and_its_other_steps_come_first(instance):
    holder, waits = hold(instance), []

    def pause(run: pools.BlockedRun) -> None:
        waits.append(run)
        instance.event_log_storage.free_concurrency_slots_for_run(holder)

    with pools.pool_waits(pause):
        result = both.execute_in_process(instance=instance)
    assert result.success
    assert {(*wait.pools.items(), wait.last, wait.run_id) for wait in waits} == {
        (("blocked", "taken"), True, result.run_id)
    }
    assert [event.step_key for event in result.all_events if event.is_step_success] == ["free", "blocked"]


def test_what_a_pause_raises_fails_the_run_and_is_known_as_its_reason(instance):
    hold(instance)

    def give_up(run: pools.BlockedRun) -> None:
        raise TimeoutError("waited long enough")

    original = ActiveExecution.concurrency_event_iterator
    with pools.pool_waits(give_up):
        result = both.execute_in_process(instance=instance, raise_on_error=False)
    assert ActiveExecution.concurrency_event_iterator is original
    assert result.dagster_run.status is dg.DagsterRunStatus.FAILURE
    assert [event.step_key for event in result.all_events if event.is_step_success] == ["free"]
    assert [run_failure(event) for event in result.all_events if event.is_job_failure] == [
        "TimeoutError: waited long enough"
    ]


def test_an_executor_is_wrapped_with_its_settings_and_requirements():
    wrapped = pools.patient(dg.multiprocess_executor, lambda _instance, _run_id: print, saves_processes=True)
    assert wrapped.name == "multiprocess"
    assert wrapped.config_schema == dg.multiprocess_executor.config_schema
    assert wrapped.get_requirements({}) == dg.multiprocess_executor.get_requirements({})


def test_an_error_of_the_storage_is_told_without_the_statement(instance, tmp_path):
    (tmp_path / "history" / "runs.db").write_bytes(b"no longer a database")
    with pytest.raises(pools.database_errors()) as caught:
        instance.get_runs()
    assert pools.storage_error_text(caught.value) == "file is not a database"
