"""The code location: every enabled connector with its lineage and automation, also those in `defs`."""

import logging

import dagster as dg

from connectors_dagster.orchestration.paused_collector import paused_collector

with paused_collector():
    from connectors_dagster.orchestration.broken import BrokenConnectorsError, build_broken_sensor
    from connectors_dagster.orchestration.examples import build_examples
    from connectors_dagster.orchestration.executors import configured_executor
    from connectors_dagster.orchestration.failure_webhook import build_failure_sensor
    from connectors_dagster.orchestration.json_console import log_as_configured
    from connectors_dagster.orchestration.location import Location, load_location
    from connectors_dagster.orchestration.orphaned_runs import build_orphan_sensor

log = logging.getLogger(__name__)


@dg.definitions
def defs() -> dg.Definitions:
    """Build the definitions; reads only configuration and schema files, and no secret.

    Raises:
        BrokenConnectorsError: no connector is left, because all that are enabled are broken.
    """
    return definitions_in(load_location())


def definitions_in(location: Location) -> dg.Definitions:
    """Complete the definitions of a location; what is broken is logged, and a sensor shows it.

    Raises:
        BrokenConnectorsError: no connector is left, because all that are enabled are broken.
        SettingError: the executor cannot be used.
    """
    log_as_configured()
    if location.broken and not location.enabled:
        raise BrokenConnectorsError("\n".join(map(str, location.broken)))
    for broken in location.broken:
        log.warning("left out: %s", broken)
    sensors = [build_orphan_sensor(), build_failure_sensor([assets.connector for assets in location.enabled])]
    return dg.Definitions.merge(
        location.definitions,
        dg.Definitions(sensors=sensors, executor=configured_executor()),
        build_broken_sensor(location.broken),
        build_examples(location.enabled),
    )
