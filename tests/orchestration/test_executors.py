"""What executes the runs that Dagster launches is a setting."""

import sys
from pathlib import Path

import dagster as dg
import pytest

from connectors_dagster.errors import SettingError
from connectors_dagster.orchestration.executors import configured_executor

IN_PROCESS = "dagster:in_process_executor"


@pytest.fixture
def choose(project, monkeypatch):
    def choose(name: str, config: str = "") -> None:
        monkeypatch.setenv("CONNECTORS__EXECUTOR", name)
        monkeypatch.setenv("CONNECTORS__EXECUTOR_CONFIG", config)

    return choose


class AskedExecutor(dg.Executor):
    """An executor whose package asks it for more than Dagster does, as that of Celery."""

    retries = None

    def execute(self, plan_context, execution_plan):
        raise NotImplementedError

    def app_args(self):
        return {"broker": "asked for"}


@dg.executor
def asked_executor(_):
    return AskedExecutor()


def failing_job() -> dg.JobDefinition:
    """Build a job that fails once here, in the process of the test, and succeeds when it is tried again."""
    attempts: list[str] = []

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
    def fails_once() -> None:
        attempts.append("tried")
        assert len(attempts) > 1, "fails once"

    @dg.job(executor_def=configured_executor())
    def job() -> None:
        fails_once()

    return job


@pytest.mark.parametrize("name", ["multiprocess", "in_process", IN_PROCESS])
@pytest.mark.parametrize(("config", "retried"), [("", True), ('{"retries": {"disabled": {}}}', False)])
def test_an_executor_is_chosen_and_configured_by_settings(choose, instance, name, config, retried):
    choose(name, config)
    with dg.execute_job(dg.reconstructable(failing_job), instance=instance) as result:
        assert result.success == retried


def test_the_processes_of_one_machine_are_the_default_and_keep_what_is_not_configured(choose):
    assert configured_executor().name == "multiprocess"
    choose("multiprocess", '{"max_concurrent": 2}')
    assert configured_executor().name == "multiprocess"


def two_families() -> dg.JobDefinition:
    """Build a job with two steps, neither of which waits for the other, and one that waits for both."""

    @dg.op(out=dg.Out(dg.Nothing))
    def load() -> None:
        pass

    @dg.op(ins={"after": dg.In(dg.Nothing)})
    def check() -> None:
        pass

    @dg.job(executor_def=configured_executor())
    def job() -> None:
        check([load.alias("one")(), load.alias("other")()])

    return job


@pytest.mark.parametrize(("steps", "processes"), [(["one", "check"], 0), (["one", "other", "check"], 3)])
def test_a_run_has_processes_for_its_steps_only_if_two_of_them_can_overlap(
    choose, instance, monkeypatch, steps, processes
):
    choose("multiprocess", '{"start_method": {"forkserver": {}}}')
    # Dagster leaves out the first folder to import from, which is the one that pytest found this module in.
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parents[2])])
    with dg.execute_job(dg.reconstructable(two_families), instance=instance, op_selection=steps) as result:
        assert result.success
        events = [event.event_type_value for event in result.all_events]
    assert events.count("STEP_WORKER_STARTED") == processes


def test_an_executor_keeps_what_its_package_asks_it_for(choose):
    choose("tests.orchestration.test_executors:asked_executor")
    assert configured_executor().executor_creation_fn(None).app_args() == {"broker": "asked for"}


@pytest.mark.parametrize(
    ("name", "config", "said"),
    [
        (
            "celery",
            "",
            "CONNECTORS__EXECUTOR is 'celery', which cannot be imported .*multiprocess, in_process or module",
        ),
        ("dagster:no_executor", "", "CONNECTORS__EXECUTOR is 'dagster:no_executor', which cannot be imported"),
        ("dagster:job", "", "CONNECTORS__EXECUTOR is 'dagster:job', which is not an executor of Dagster"),
        ("in_process", "retries", "CONNECTORS__EXECUTOR_CONFIG cannot be used: it must be a JSON object"),
        ("multiprocess", '{"max_concurent": 3}', "CONNECTORS__EXECUTOR_CONFIG .* multiprocess: .*max_concurent"),
        ("multiprocess", '{"max_concurrent": "3"}', "CONNECTORS__EXECUTOR_CONFIG .* multiprocess: .*max_concurrent"),
        (IN_PROCESS, '{"max_concurrent": 3}', "CONNECTORS__EXECUTOR_CONFIG .* in_process: .*max_concurrent"),
    ],
)
def test_an_executor_that_cannot_be_used_is_named(choose, name, config, said):
    choose(name, config)
    with pytest.raises(SettingError, match=said):
        configured_executor()
