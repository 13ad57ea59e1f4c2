"""The parts of Dagster that this project uses although Dagster does not declare them public.

A member of Dagster counts as public if it carries Dagster's `@public` marker (`dagster._annotations.is_public`). The
classes that `import dagster` offers are public, and so are the fields of its records that are documented as arguments
and the methods that Dagster's guides override or call (`Component`, `Scaffolder`, `FreshnessPolicy.time_window`). The
members used here have no marker. Each function says which ones it uses.
"""

from collections.abc import Collection, Iterator, Mapping, Set
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import dagster as dg
from dagster.components.utils import TranslatorResolvingInfo

__all__ = [
    "build_components",
    "check_results",
    "checks_of",
    "component_folder",
    "components_of",
    "ended_steps",
    "failed_before",
    "fetch_materializations",
    "find_job",
    "free_pool_slots",
    "instance_folder",
    "instance_of",
    "is_last_attempt",
    "is_of_other_location",
    "last_materialization",
    "latest_materialization_ids",
    "materialization",
    "materializations_of_run",
    "open_component_folder",
    "open_component_tree",
    "partitions_among",
    "planned_steps",
    "project_folders",
    "recorded_by_earlier_attempts",
    "report_run_canceled",
    "report_run_failed",
    "retry_delay",
    "run_failure",
    "run_failures",
    "source_relative_path",
    "step_failure",
    "step_failures",
    "step_seconds",
    "translated_spec",
    "unfinished_backfills",
    "unrequested_assets",
    "wipe",
]

AnyComponent = TypeVar("AnyComponent", bound=dg.Component)


def instance_folder(instance: dg.DagsterInstance) -> Path:
    """Return the folder of an instance (`root_directory`), which is DAGSTER_HOME unless the instance is temporary."""
    return Path(instance.root_directory)


def planned_steps(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Collection[str]:
    """List the steps a run will execute; empty if it was created without a plan.

    Uses `execution_plan_snapshot_id` of the run and `get_execution_plan_snapshot` of the instance.
    """
    if not run.execution_plan_snapshot_id:
        return ()
    return instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id).step_keys_to_execute


def unfinished_backfills(instance: dg.DagsterInstance, *, newest: int) -> Iterator[tuple[dg.AssetKey, str | None]]:
    """Yield what running backfills have neither loaded nor failed to load, as asset and partition, if it has any.

    Looks at the `newest` most recent backfills. Uses `get_backfills` and the fields and methods of its results.
    """
    for backfill in instance.get_backfills(limit=newest):
        if backfill.status.value == "REQUESTED" and backfill.asset_backfill_data is not None:
            data = backfill.asset_backfill_data
            left = data.target_subset - (data.materialized_subset | data.failed_and_downstream_subset)
            yield from left.iterate_asset_partitions()


def unrequested_assets(instance: dg.DagsterInstance, backfill_id: str) -> Set[dg.AssetKey]:
    """Return the assets for which a backfill will request more runs; empty if there is no such backfill.

    Uses `get_backfill` and the fields and methods of its result.
    """
    backfill = instance.get_backfill(backfill_id)
    if backfill is None or backfill.status.value != "REQUESTED" or backfill.asset_backfill_data is None:
        return set()
    data = backfill.asset_backfill_data
    left = data.target_subset - (data.requested_subset | data.failed_and_downstream_subset)
    return {found.asset_key for found in left.iterate_asset_partitions()}


def ended_steps(instance: dg.DagsterInstance, run_id: str) -> Collection[str]:
    """List the steps of a run that have succeeded or failed for good (`get_run_step_stats`)."""
    stats = instance.get_run_step_stats(run_id)
    return [found.step_key for found in stats if found.status and found.status.value in ("SUCCESS", "FAILURE")]


def report_run_canceled(instance: dg.DagsterInstance, run: dg.DagsterRun, message: str) -> None:
    """Record that a run was canceled (`report_run_canceled`)."""
    instance.report_run_canceled(run, message)


def report_run_failed(instance: dg.DagsterInstance, run: dg.DagsterRun, message: str) -> None:
    """Record that a run has failed (`report_run_failed`)."""
    instance.report_run_failed(run, message)


def free_pool_slots(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Free the pool slots that a run holds (`event_log_storage.free_concurrency_slots_for_run`)."""
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def latest_materialization_ids(
    instance: dg.DagsterInstance, asset: dg.AssetKey, partitions: Collection[str] | None = None
) -> list[int]:
    """List the storage ids of the last materialization of each partition, or of some of them.

    Uses `get_latest_storage_id_by_partition`.
    """
    among = None if partitions is None else set(partitions)
    latest = instance.get_latest_storage_id_by_partition(asset, dg.DagsterEventType.ASSET_MATERIALIZATION, among)
    return list(latest.values())


def fetch_materializations(
    instance: dg.DagsterInstance, wanted: dg.AssetRecordsFilter, *, limit: int
) -> Iterator[tuple[int, float, dg.AssetMaterialization]]:
    """Yield the newest materializations that a filter selects, each with its storage id and the time of the record.

    Uses `asset_materialization`, `storage_id` and `timestamp` of the event records.
    """
    for record in instance.fetch_materializations(wanted, limit=limit).records:
        if record.asset_materialization:
            yield record.storage_id, record.timestamp, record.asset_materialization


def last_materialization(
    instance: dg.DagsterInstance, asset: dg.AssetKey
) -> tuple[Mapping[str, dg.MetadataValue[Any]], datetime] | None:
    """Return the metadata of the last materialization of an asset, and when it was; None if there is none.

    Uses `asset_materialization` and `timestamp` of the event records.
    """
    for record in instance.fetch_materializations(asset, limit=1).records:
        if record.asset_materialization:
            return record.asset_materialization.metadata, datetime.fromtimestamp(record.timestamp, UTC)
    return None


def check_results(instance: dg.DagsterInstance, run_id: str) -> Iterator[dg.AssetCheckEvaluation]:
    """Yield the results of the checks of a run (`asset_check_evaluation_data`, `all_logs` of the instance)."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        if entry.dagster_event:
            yield entry.dagster_event.asset_check_evaluation_data


def checks_of(job: dg.JobDefinition, assets: Set[dg.AssetKey]) -> Set[dg.AssetCheckKey]:
    """Return the checks of assets that a job can run (`asset_layer.asset_graph` of the job)."""
    return {key for key in job.asset_layer.asset_graph.asset_check_keys if key.asset_key in assets}


def wipe(instance: dg.DagsterInstance, asset: dg.AssetKey) -> None:
    """Forget all materializations of an asset (`wipe_assets`)."""
    instance.wipe_assets([asset])


def materializations_of_run(instance: dg.DagsterInstance, run_id: str) -> Iterator[dg.AssetMaterialization]:
    """Yield the materializations that a run has recorded so far, oldest first (`all_logs` of the instance)."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
        if entry.dagster_event and (found := materialization(entry.dagster_event)):
            yield found


def recorded_by_earlier_attempts(context: dg.AssetExecutionContext) -> Iterator[dg.AssetMaterialization]:
    """Yield what earlier attempts of the same step have materialized (`retry_number` of the context)."""
    return materializations_of_run(context.instance, context.run.run_id) if context.retry_number else iter(())


def find_job(definitions: dg.Definitions, name: str) -> dg.JobDefinition:
    """Return a job by its name (`resolve_job_def`)."""
    return definitions.resolve_job_def(name)


def materialization(event: dg.DagsterEvent) -> dg.AssetMaterialization | None:
    """Return the materialization that an event reports (`step_materialization_data`); None for any other event."""
    return event.step_materialization_data.materialization if event.is_step_materialization else None


def step_seconds(event: dg.DagsterEvent) -> float:
    """Return the seconds that a successful step took (`step_success_data`)."""
    return event.step_success_data.duration_ms / 1000


def step_failure(event: dg.DagsterEvent) -> str:
    """Return why a step failed (`step_failure_data`): the description of its `Failure`, else the error."""
    data = event.step_failure_data
    described = data.user_failure_data.description if data.user_failure_data else None
    return described or data.error_display_string


def run_failures(
    instance: dg.DagsterInstance, *, limit: int, after: int | None = None
) -> Iterator[tuple[int, dg.DagsterRun | None]]:
    """Yield the failures of runs with their storage ids: the oldest after an id, or the newest of all.

    The run is None if it was deleted. Uses the records of `fetch_run_status_changes`.
    """
    wanted = dg.RunStatusChangeRecordsFilter(event_type=dg.DagsterEventType.RUN_FAILURE, after_storage_id=after)
    for record in instance.fetch_run_status_changes(wanted, limit=limit, ascending=after is not None).records:
        yield record.storage_id, instance.get_run_by_id(record.run_id)


def failed_before(instance: dg.DagsterInstance, run_id: str, storage_id: int) -> bool:
    """Return whether a run was recorded as failed before the failure with this storage id.

    Uses the records of `fetch_run_status_changes` and `all_logs` of the instance.
    """
    if len(instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)) < 2:
        return False
    wanted = dg.RunStatusChangeRecordsFilter(event_type=dg.DagsterEventType.RUN_FAILURE, before_storage_id=storage_id)
    return any(record.run_id == run_id for record in instance.fetch_run_status_changes(wanted, limit=1_000).records)


def is_of_other_location(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> bool:
    """Return whether a run was launched from another code location than that of a sensor.

    Uses `code_location_origin` of the context and `remote_job_origin` of the run.
    """
    launched, here = run.remote_job_origin, context.code_location_origin
    return bool(launched and here and launched.location_name != here.location_name)


def step_failures(instance: dg.DagsterInstance, run_id: str) -> tuple[list[dg.DagsterEvent], str]:
    """Return the events of the steps of a run that failed, and the message of its failure (`all_logs`)."""
    steps = [entry.dagster_event for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)]
    runs = [entry.dagster_event for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)]
    return [event for event in steps if event], next((event.message or "" for event in runs if event), "")


def run_failure(event: dg.DagsterEvent) -> str | None:
    """Return why a run failed (`is_job_failure`, `job_failure_data`, `message`); None for any other event."""
    if not event.is_job_failure:
        return None
    error = event.job_failure_data.error
    return error.message.strip() if error else event.message


def is_last_attempt(policy: dg.RetryPolicy, context: dg.AssetExecutionContext) -> bool:
    """Return whether no attempt of a step is left (`retry_number` of the context)."""
    return bool(context.retry_number >= policy.max_retries)


def retry_delay(policy: dg.RetryPolicy, context: dg.AssetExecutionContext) -> float:
    """Return the seconds to wait before the next attempt (`calculate_delay`, `retry_number` of the context)."""
    return policy.calculate_delay(context.retry_number + 1)


def source_relative_path(context: dg.ComponentLoadContext, path: str) -> Path:
    """Resolve a path that is relative to the file of a component (`resolve_source_relative_path`)."""
    return context.resolution_context.resolve_source_relative_path(path)


def project_folders(context: dg.ComponentLoadContext) -> tuple[Path, Path]:
    """Return the folder of a component's project and that of its components (`project_root`, `defs_module_path`)."""
    return context.project_root, context.defs_module_path


def translated_spec(
    context: dg.ComponentLoadContext, written: Any, base: dg.AssetSpec, /, **scope: Any
) -> dg.AssetSpec:
    """Apply the attribute `translation` of a component to an asset (`TranslatorResolvingInfo`).

    Args:
        context: of the component.
        written: `AssetAttributesModel`, or a template that returns one.
        base: the asset to change.
        scope: the names that templates may use.
    """
    changes = TranslatorResolvingInfo(written, context.resolution_context, model_key="translation")
    return changes.get_asset_spec(base, scope)


def open_component_tree(folder: ModuleType, project: Path) -> dg.ComponentTree:
    """Open a folder of components (`ComponentTree.from_module`)."""
    return dg.ComponentTree.from_module(defs_module=folder, project_root=project)


def open_component_folder(folder: Path, parent: str, project: Path) -> dg.ComponentTree:
    """Open one of the folders in a folder of components, so that it loads without the others.

    Dagster reads only the name and the place of a module, which need not be a package.
    """
    module = ModuleType(f"{parent}.{folder.name}")
    module.__file__, module.__path__ = str(folder / "__init__.py"), [str(folder)]
    return open_component_tree(module, project)


def component_folder(tree: dg.ComponentTree) -> Path:
    """Return the folder of a tree of components (`defs_module_path`)."""
    return tree.defs_module_path


def components_of(tree: dg.ComponentTree, kind: type[AnyComponent]) -> list[AnyComponent]:
    """List the components of a kind (`get_all_components`)."""
    return list(tree.get_all_components(of_type=kind))


def build_components(tree: dg.ComponentTree) -> dg.Definitions:
    """Build the definitions of all components (`build_defs`)."""
    return tree.build_defs()


def partitions_among(
    context: dg.AutomationContext[dg.AssetKey], partitions: dg.PartitionsDefinition[str], keys: Set[str]
) -> Any:
    """Return which candidates of a condition are these partitions, as Dagster's subset (`asset_graph_view`)."""
    found = context.asset_graph_view.get_subset_from_partition_keys(context.key, partitions, keys)
    return context.candidate_subset.compute_intersection(found)


def instance_of(context: dg.AutomationContext[dg.AssetKey]) -> dg.DagsterInstance:
    """Return the instance that a condition is evaluated for (`asset_graph_view`)."""
    return context.asset_graph_view.instance
