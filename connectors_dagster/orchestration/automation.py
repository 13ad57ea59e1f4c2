"""Keep a connector up to date: a job, and a schedule that is off by default."""

from collections.abc import Iterator, Sequence
from typing import Any
from zlib import crc32

import dagster as dg

from connectors_dagster.config import settings
from connectors_dagster.errors import SettingError
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.active_runs import find_unfinished
from connectors_dagster.orchestration.backlog import backlog
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.declarative import build_condition_sensor
from connectors_dagster.orchestration.partitions import build_window_sensor, open_windows, starts_in_future
from connectors_dagster.orchestration.runs import Plan

LISTED = 3
"""Maximum shops that a description names."""


def build_automation(shops: Sequence[ConnectorAssets]) -> dg.Definitions:
    """Build the job of a connector, what keeps it current, and the sensor that adds its partitions.

    Shops that share a job share all of it.

    Raises:
        SettingError: the configured schedule is not a cron expression.
    """
    job, windowed = build_job(shops), [assets for assets in shops if assets.has_windows]
    sensors: list[dg.SensorDefinition] = [build_window_sensor(windowed)] if windowed else []
    how = {assets: settings.automation(assets.connector) for assets in shops}
    if declarative := [assets for assets in shops if how[assets] == "declarative"]:
        sensors.append(build_condition_sensor(declarative))
    schedule = _build_schedule(shops, job)  # in any case, because it checks the cron expression
    return dg.Definitions(jobs=[job], schedules=[schedule] if "schedule" in how.values() else [], sensors=sensors)


def build_job(shops: Sequence[ConnectorAssets], name: str | None = None) -> Any:
    """Build the job that loads all resources of a connector, or of several of its shops."""
    name = name or shops[0].job_name
    return dg.define_asset_job(
        name=name,
        selection=dg.AssetSelection.assets(*(key for assets in shops for key in assets.by_key)),
        description=f"Loads all resources of {_listed(shops)}, or the windows you select.",
        tags={"connector": shops[0].connector.common_name},
    )


def _listed(shops: Sequence[ConnectorAssets]) -> str:
    names = [assets.connector.name for assets in shops]
    return " and ".join(names[:LISTED]) + (" and others" if len(names) > LISTED else "")


def _build_schedule(shops: Sequence[ConnectorAssets], job: Any) -> dg.ScheduleDefinition:
    connector, cron = shops[0].connector, cron_of(shops[0])
    try:
        return dg.ScheduleDefinition(
            name=shops[0].schedule_name,
            job=job,
            cron_schedule=cron,
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.STOPPED,
            description=(
                f"Loads everything of {_listed(shops)} since the start date and keeps it current. Each tick requests "
                "every window that is missing or incomplete, oldest first, and the resources without windows. It skips "
                "what is already queued or running. After a pause it requests everything that was missed."
            ),
            execution_fn=lambda context: _refresh(shops, context),
        )
    except dg.DagsterInvalidDefinitionError:
        setting = settings.environment_name(connector, "schedule")
        raise SettingError(f"{setting} is {cron!r}: it must be a cron expression such as '15 * * * *'") from None


def _refresh(
    shops: Sequence[ConnectorAssets], context: dg.ScheduleEvaluationContext
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    now, plans, unfinished = clock.now(), list[Plan](), find_unfinished(context.instance)
    for assets in shops:
        if settings.automation(assets.connector) != "schedule":
            continue
        if assets.has_windows:
            open_windows(context.instance, assets.grid, now)
        plans += backlog(context.instance, assets, now, unfinished=unfinished)
    if not plans:
        unstarted = starts_in_future({assets: assets.resources for assets in shops}, now).values()
        yield dg.SkipReason(" ".join(unstarted) or f"All of {shops[0].job_name} is complete, queued or running.")
    for plan in plans:
        yield build_request(plan)


def build_request(plan: Plan) -> dg.RunRequest:
    """Return the request for a planned run; its windows resume where their last read ended.

    The run key names the families and windows of the run. If a tick is interrupted and evaluated again, Dagster skips
    the runs it already requested. Later ticks can still request the same windows.
    """
    families = sorted({plan.assets.op_name(resource) for resource in plan.resources})
    stretch = f" {plan.windows[0]}..{plan.windows[-1]}" if plan.windows else ""
    return dg.RunRequest(
        run_key=f"{' '.join(families)}{stretch}",
        asset_selection=plan.keys,
        tags=plan.tags,
        run_config={"ops": {family: {"config": {"full": False}} for family in families}},
    )


def cron_of(assets: ConnectorAssets) -> str:
    """Return when a connector is refreshed, as it is configured or else hourly."""
    return settings.schedule(assets.connector) or hourly(assets.job_name)


def hourly(name: str) -> str:
    """Return an hourly cron expression whose minute depends on a name, so that not all connectors start at once."""
    return f"{crc32(name.encode()) % 60} * * * *"
