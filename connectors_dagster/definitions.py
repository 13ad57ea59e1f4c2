"""The code location: every enabled connector with its lineage and automation, also those in `defs`."""

import logging

import dagster as dg

from connectors_dagster.orchestration.broken import BrokenConnectorsError, build_broken_sensor
from connectors_dagster.orchestration.examples import build_examples
from connectors_dagster.orchestration.failure_webhook import build_failure_sensor
from connectors_dagster.orchestration.location import Location, load_location
from connectors_dagster.orchestration.orphaned_runs import build_orphan_sensor
from connectors_dagster.orchestration.pool_wait import patient_executor

# Families of a run overlap, and the seconds it takes to import Dagster and dlt are spent once: the processes
# of all steps are forked from one that has done it.
FAMILIES_AT_ONCE = 4
log = logging.getLogger(__name__)
EXECUTOR = patient_executor(dg.multiprocess_executor).configured(
    {
        "max_concurrent": FAMILIES_AT_ONCE,
        "start_method": {
            "forkserver": {"preload_modules": ["connectors_dagster.definitions", "connectors_dagster.load.pipeline"]}
        },
    },
    name="multiprocess",
)


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
    """
    if location.broken and not location.enabled:
        raise BrokenConnectorsError("\n".join(map(str, location.broken)))
    for broken in location.broken:
        log.warning("left out: %s", broken)
    sensors = [build_orphan_sensor(), build_failure_sensor([assets.connector for assets in location.enabled])]
    return dg.Definitions.merge(
        location.definitions,
        dg.Definitions(sensors=sensors, executor=EXECUTOR),
        build_broken_sensor(location.broken),
        build_examples(location.enabled),
    )
