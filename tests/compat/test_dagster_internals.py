"""The parts of Dagster that this project uses although they are not public: one test each, which fails on a change."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

# Only these create a backfill without a daemon and name the types of Dagster's internal objects.
from dagster._core.execution.asset_backfill import AssetBackfillData
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.storage.event_log.base import EventLogStorage

from connectors_dagster.compat import dagster_internals as internals

DAYS = dg.StaticPartitionsDefinition(["mon", "tue"])
EVENT = dg.DagsterEvent
INSTANCE = dg.DagsterInstance
CREATED_WITH = """
    job_name run_id run_config status tags root_run_id parent_run_id step_keys_to_execute execution_plan_snapshot
    job_snapshot parent_job_snapshot asset_selection asset_check_selection resolved_op_selection op_selection
    remote_job_origin job_code_origin asset_graph
""".split()
MEMBERS: list[tuple[type, str, list[str] | None]] = [
    (INSTANCE, "root_directory", None),
    (INSTANCE, "event_log_storage", None),
    (INSTANCE, "get_execution_plan_snapshot", ["snapshot_id"]),
    (INSTANCE, "get_backfills", ["limit"]),
    (INSTANCE, "get_backfill", ["backfill_id"]),
    (INSTANCE, "get_run_step_stats", ["run_id"]),
    (INSTANCE, "all_logs", ["run_id", "of_type"]),
    (INSTANCE, "wipe_assets", ["asset_keys"]),
    (INSTANCE, "report_run_failed", ["dagster_run", "message"]),
    (INSTANCE, "get_latest_storage_id_by_partition", ["asset_key", "event_type"]),
    (EventLogStorage, "free_concurrency_slots_for_run", ["run_id"]),
    (dg.DagsterRun, "execution_plan_snapshot_id", None),
    (dg.DagsterRun, "remote_job_origin", None),
    (dg.EventLogRecord, "storage_id", None),
    (dg.SensorEvaluationContext, "code_location_origin", None),
    (PartitionBackfill, "asset_backfill_data", None),
    (AssetBackfillData, "target_subset", None),
    (AssetBackfillData, "requested_subset", None),
    (AssetBackfillData, "materialized_subset", None),
    (AssetBackfillData, "failed_and_downstream_subset", None),
    (dg.EventLogRecord, "asset_materialization", None),
    (INSTANCE, "create_run", CREATED_WITH),
    (INSTANCE, "get_ref", []),
    (INSTANCE, "report_run_canceling", ["run"]),
    (INSTANCE, "report_run_canceled", ["dagster_run", "message"]),
    (dg.Definitions, "resolve_job_def", ["name"]),
    (dg.JobDefinition, "get_subset", ["asset_selection", "asset_check_selection"]),
    (dg.JobDefinition, "with_executor_def", ["executor_def"]),
    (dg.JobDefinition, "get_job_snapshot", []),
    (dg.JobDefinition, "get_job_snapshot_id", []),
    (dg.JobDefinition, "get_parent_job_snapshot", []),
    (dg.JobDefinition, "run_tags", None),
    (EVENT, "step_materialization_data", None),
    (EVENT, "step_success_data", None),
    (EVENT, "asset_check_evaluation_data", None),
    (dg.EventLogRecord, "timestamp", None),
    (dg.JobDefinition, "asset_layer", None),
    (EVENT, "step_failure_data", None),
    (EVENT, "is_job_failure", None),
    (EVENT, "job_failure_data", None),
    (dg.AssetExecutionContext, "retry_number", None),
    (dg.RetryPolicy, "calculate_delay", ["attempt_num"]),
    (dg.ResolutionContext, "resolve_source_relative_path", ["value"]),
    (dg.ComponentTree, "from_module", ["defs_module", "project_root"]),
    (dg.ComponentTree, "defs_module_path", None),
    (dg.ComponentTree, "get_all_components", ["of_type"]),
    (dg.ComponentTree, "build_defs", []),
]
"""Each member with its owner, and the parameters that are passed to it; None if it is not a function."""


@pytest.mark.parametrize(("owner", "name", "parameters"), MEMBERS, ids=lambda value: getattr(value, "__name__", None))
def test_a_member_exists_and_accepts_exactly_the_arguments_passed_to_it(owner, name, parameters):
    member = inspect.getattr_static(owner, name)
    if parameters is None:
        assert not callable(member)
        return
    signature = dict(inspect.signature(getattr(owner, name)).parameters)
    signature.pop("self", None)
    assert set(parameters) <= set(signature)
    assert {key for key, p in signature.items() if p.default is p.empty} <= set(parameters)


@dg.asset(key=["shop", "orders"])
def orders() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 3})


@dg.asset(partitions_def=DAYS)
def days() -> None:
    """An asset with a partition for each of two days."""


@dg.asset
def refused() -> None:
    raise dg.Failure("the API refused", allow_retries=False)


@dg.asset
def broken() -> None:
    raise ValueError("a bug")


DEFINITIONS = dg.Definitions([orders, days, refused, broken])


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def execute(instance: dg.DagsterInstance, asset: str) -> dg.ExecuteInProcessResult:
    job = DEFINITIONS.resolve_implicit_global_asset_job_def()
    key = dg.AssetKey(asset.split("/"))
    return job.execute_in_process(instance=instance, asset_selection=[key], raise_on_error=False)


def report(instance: dg.DagsterInstance, partition: str, rows: int) -> None:
    event = dg.AssetMaterialization("days", partition=partition, metadata={"rows": rows})
    instance.report_runless_asset_event(event)


def test_the_folder_of_an_instance(instance, tmp_path):
    assert internals.instance_folder(instance) == tmp_path


def test_a_run_lists_the_steps_it_executes(instance):
    result = execute(instance, "shop/orders")
    assert list(internals.planned_steps(instance, result.dagster_run)) == ["shop__orders"]


def test_a_run_without_a_plan_has_no_steps(instance):
    assert list(internals.planned_steps(instance, dg.DagsterRun(job_name="none"))) == []


def add_backfill(instance: dg.DagsterInstance) -> PartitionBackfill:
    backfill = PartitionBackfill.from_asset_partitions(
        backfill_id="by-hand",
        asset_graph=DEFINITIONS.resolve_asset_graph(),
        partition_names=["mon", "tue"],
        asset_selection=[dg.AssetKey("days")],
        backfill_timestamp=0.0,
        tags={},
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )
    instance.add_backfill(backfill)
    return backfill


@pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources`")  # Dagster's own use
def test_a_backfill_lists_what_it_has_not_loaded_until_it_ends(instance):
    backfill = add_backfill(instance)
    key = dg.AssetKey("days")
    assert sorted(internals.unfinished_backfills(instance, newest=10)) == [(key, "mon"), (key, "tue")]
    assert internals.unrequested_assets(instance, backfill.backfill_id) == {key}
    instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_SUCCESS))
    assert list(internals.unfinished_backfills(instance, newest=10)) == []
    assert internals.unrequested_assets(instance, backfill.backfill_id) == set()
    assert internals.unrequested_assets(instance, "deleted") == set()


def test_the_steps_of_a_run_that_have_ended(instance):
    for asset, step in (("shop/orders", "shop__orders"), ("broken", "broken")):
        assert list(internals.ended_steps(instance, execute(instance, asset).run_id)) == [step]
    assert internals.ended_steps(instance, "none") == []


def test_a_run_can_be_reported_as_failed_and_its_pool_slots_freed(instance):
    job = DEFINITIONS.resolve_implicit_job_def_def_for_assets([dg.AssetKey("days")])
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    storage = instance.event_log_storage
    storage.set_concurrency_slots("pool", 1)
    assert storage.claim_concurrency_slot("pool", run.run_id, "days").is_claimed
    internals.report_run_failed(instance, run, "killed")
    internals.free_pool_slots(instance, run)
    assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE
    assert storage.get_concurrency_info("pool").active_slot_count == 0


def test_a_run_that_has_not_ended_is_canceled(instance):
    job = DEFINITIONS.resolve_implicit_job_def_def_for_assets([dg.AssetKey("days")])
    run = instance.create_run_for_job(job)
    internals.report_run_canceled(instance, run, "interrupted")
    assert [found.status for found in instance.get_runs()] == [dg.DagsterRunStatus.CANCELED]


def test_the_last_materialization_of_each_partition_is_found(instance):
    for partition, rows in [("mon", 1), ("tue", 2), ("mon", 3)]:
        report(instance, partition, rows)
    ids = internals.latest_materialization_ids(instance, dg.AssetKey("days"))
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey("days"), storage_ids=ids)
    found = internals.fetch_materializations(instance, wanted, limit=10)
    assert {(number in ids, event.partition, event.metadata["rows"].value) for number, at, event in found if at} == {
        (True, "tue", 2),
        (True, "mon", 3),
    }


def test_what_a_run_that_failed_has_materialized_is_found(instance):
    @dg.asset(key="days", partitions_def=DAYS)
    def half(context: dg.AssetExecutionContext) -> None:
        context.log_event(dg.AssetMaterialization("days", partition="mon", metadata={"rows": 1}))
        raise dg.Failure("the other half failed", allow_retries=False)

    tags = {"dagster/asset_partition_range_start": "mon", "dagster/asset_partition_range_end": "tue"}
    result = dg.materialize([half], instance=instance, tags=tags, raise_on_error=False)
    (found,) = internals.materializations_of_run(instance, result.run_id)
    assert (found.partition, found.metadata["rows"].value) == ("mon", 1)


def test_events_show_what_was_materialized_and_how_long_it_took(instance):
    events = execute(instance, "shop/orders").all_events
    (found,) = filter(None, map(internals.materialization, events))
    assert (found.asset_key.path, found.metadata["rows"].value) == (["shop", "orders"], 3)
    (seconds,) = (internals.step_seconds(event) for event in events if event.is_step_success)
    assert 0 <= seconds < 60


@pytest.mark.parametrize(("asset", "reason"), [("refused", "the API refused"), ("broken", "a bug")])
def test_a_step_that_failed_says_why(instance, asset, reason):
    events = execute(instance, asset).all_events
    (found,) = (internals.step_failure(event) for event in events if event.is_step_failure)
    assert reason in found


def test_the_wait_before_the_next_attempt_grows_according_to_the_policy(instance):
    policy = dg.RetryPolicy(max_retries=1, delay=15, backoff=dg.Backoff.EXPONENTIAL)
    waits: list[float] = []
    last: list[bool] = []

    @dg.asset
    def retried(context: dg.AssetExecutionContext) -> None:
        waits.append(internals.retry_delay(policy, context))
        last.append(internals.is_last_attempt(policy, context))
        raise dg.RetryRequested(max_retries=1, seconds_to_wait=0)

    dg.materialize([retried], instance=instance, raise_on_error=False)
    assert (waits, last) == ([15, 45], [False, True])


def test_a_retry_knows_what_the_attempts_before_it_have_materialized(instance):
    known: list[list[str | None]] = []

    @dg.asset(partitions_def=DAYS)
    def retried(context: dg.AssetExecutionContext) -> None:
        known.append([found.partition for found in internals.recorded_by_earlier_attempts(context)])
        context.log_event(dg.AssetMaterialization("retried", partition=["mon", "tue"][len(known) - 1]))
        raise dg.RetryRequested(max_retries=1, seconds_to_wait=0)

    dg.materialize([retried], instance=instance, partition_key="mon", raise_on_error=False)
    assert known == [[], ["mon"]]


class Beside(dg.Component, dg.Model, dg.Resolvable):
    """Resolves the file that its attribute names."""

    file: str
    path: Any = None

    @classmethod
    def load(cls, attributes: Any, context: dg.ComponentLoadContext) -> "Beside":
        assert internals.project_folders(context) == (context.path.parents[1], context.path.parent)
        return cls(file=attributes.file, path=internals.source_relative_path(context, attributes.file))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002
        return dg.Definitions(assets=[dg.AssetSpec(self.path.stem)])


def test_the_context_in_which_a_component_is_loaded_has_its_folders_and_what_resolves_templates():
    fields = {name for base in dg.ComponentLoadContext.__mro__ for name in vars(base).get("__annotations__", ())}
    assert {"project_root", "defs_module_path", "resolution_context"} <= fields


@pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated")  # Dagster's own use
@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning", "ignore::dagster.BetaWarning")
def test_a_folder_of_components_is_listed_and_built(tmp_path, monkeypatch):
    thing = tmp_path / "components_of_a_test" / "thing"
    thing.mkdir(parents=True)
    (thing.parent / "__init__.py").touch()
    (thing / "defs.yaml").write_text(f"type: {__name__}.Beside\nattributes: {{file: schema.yaml}}\n")
    monkeypatch.syspath_prepend(tmp_path)
    import components_of_a_test

    tree = internals.open_component_tree(components_of_a_test, tmp_path)
    assert internals.component_folder(tree) == thing.parent
    assert [component.path for component in internals.components_of(tree, Beside)] == [thing / "schema.yaml"]
    specs = internals.build_components(tree).resolve_all_asset_specs()
    assert [spec.key.path for spec in specs] == [["schema"]]


def test_a_translation_is_applied_to_an_asset(tmp_path, monkeypatch):
    (tmp_path / "translated_in_a_test").mkdir()
    (tmp_path / "translated_in_a_test" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    import translated_in_a_test

    context = internals.open_component_tree(translated_in_a_test, tmp_path).load_context
    base = dg.AssetSpec("orders", group_name="shop", tags={"kept": "yes"})
    written = dg.AssetAttributesModel(key="raw/{{ table }}", tags={"added": "{{ spec.group_name }}"})
    spec = internals.translated_spec(context, written, base, table="sold", spec=base)
    assert (spec.key.path, spec.group_name, spec.tags) == (["raw", "sold"], "shop", {"kept": "yes", "added": "shop"})


@dg.asset
def counted() -> None:
    """An asset with a check."""


@dg.asset_check(asset=counted)
def is_counted() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def test_the_checks_of_a_job_and_their_results_are_found():
    definitions = dg.Definitions([counted], asset_checks=[is_counted], jobs=[dg.define_asset_job("all")])
    job = internals.find_job(definitions, "all")
    assert {key.name for key in internals.checks_of(job, {counted.key})} == {"is_counted"}
    assert internals.checks_of(job, {orders.key}) == set()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance)
        assert [found.check_name for found in internals.check_results(instance, result.run_id)] == ["is_counted"]


def test_what_is_wiped_is_found_no_more_and_the_next_materialization_is():
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([counted], instance=instance)
        assert internals.last_materialization(instance, counted.key) is not None
        internals.wipe(instance, counted.key)
        assert internals.last_materialization(instance, counted.key) is None
        dg.materialize([counted], instance=instance)
        assert internals.last_materialization(instance, counted.key) is not None


def test_a_condition_knows_its_instance_and_which_of_its_candidates_are_some_partitions(instance):
    partitions = dg.StaticPartitionsDefinition(["a", "b", "c"])
    seen = []

    class OnlyB(dg.AutomationCondition):
        def evaluate(self, context: dg.AutomationContext) -> dg.AutomationResult:
            seen.append(internals.instance_of(context))
            return dg.AutomationResult(context, internals.partitions_among(context, partitions, {"b"}))

    @dg.asset(partitions_def=partitions, automation_condition=OnlyB())
    def parts() -> None: ...

    found = dg.evaluate_automation_conditions([parts], instance, dg.AssetSelection.assets(parts.key))
    assert found.get_requested_partitions(parts.key) == {"b"} and seen == [instance]
