"""Keep a connector up to date: a job, and a schedule that is off by default."""

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import dagster as dg

from connectors_dagster.config import settings
from connectors_dagster.errors import SettingError
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.backlog import backlog
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.declarative import build_condition_sensor
from connectors_dagster.orchestration.partitions import build_window_sensor, open_windows
from connectors_dagster.orchestration.runs import Plan


def build_automation(assets: ConnectorAssets) -> dg.Definitions:
    """Build the job of a connector, what keeps it current, and the sensor that adds its partitions.

    Raises:
        SettingError: the configured schedule is not a cron expression.
    """
    connector = assets.connector
    job = dg.define_asset_job(
        name=assets.name,
        selection=dg.AssetSelection.assets(*assets.by_key),
        description=f"Loads all resources of {connector.name}, or the windows you select.",
        tags={"connector": connector.name},
    )
    sensors: list[dg.SensorDefinition] = [build_window_sensor(assets)] if assets.has_windows else []
    how = settings.automation(connector.name)
    if how == "declarative":
        sensors.append(build_condition_sensor(assets))
    schedule = _build_schedule(assets, job)  # in any case, because it checks the cron expression
    return dg.Definitions(jobs=[job], schedules=[schedule] if how == "schedule" else [], sensors=sensors)


def _build_schedule(assets: ConnectorAssets, job: Any) -> dg.ScheduleDefinition:
    connector, cron = assets.connector, cron_of(assets)
    try:
        return dg.ScheduleDefinition(
            name=assets.schedule_name,
            job=job,
            cron_schedule=cron,
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.STOPPED,
            description=(
                f"Loads everything of {connector.name} since its start date and keeps it current. Each tick requests "
                "every window that is missing or incomplete, oldest first, and the resources without windows. It skips "
                "what is already queued or running. After a pause it requests everything that was missed."
            ),
            execution_fn=lambda context: _refresh(assets, context),
        )
    except dg.DagsterInvalidDefinitionError:
        name = settings.environment_name(connector.name, "schedule")
        raise SettingError(f"{name} is {cron!r}: it must be a cron expression such as '15 * * * *'") from None


def _refresh(assets: ConnectorAssets, context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    now = clock.now()
    if assets.has_windows:
        open_windows(context.instance, assets.grid, now)
    plans = backlog(context.instance, assets, now)
    if not plans:
        yield dg.SkipReason(f"All of {assets.name} is complete, queued or running.")
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
    return settings.schedule(assets.connector.name) or hourly(assets.name)


def hourly(name: str) -> str:
    """Return an hourly cron expression whose minute depends on a name, so that not all connectors start at once."""
    return f"{crc32(name.encode()) % 60} * * * *"
