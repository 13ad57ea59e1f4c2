"""The code location: every enabled connector as assets, and what opens their windows."""

import dagster as dg

from connectors_dagster import settings
from connectors_dagster.connector import Connector
from connectors_dagster.connectors import load_connectors
from connectors_dagster.defs.assets import build_assets
from connectors_dagster.defs.partitions import build_window_sensor


# Families of a run overlap, and the seconds it takes to import Dagster and dlt are spent once: the processes
# of all steps are forked from one that has done it.
FAMILIES_AT_ONCE = 4
EXECUTOR = dg.multiprocess_executor.configured(
    {
        "max_concurrent": FAMILIES_AT_ONCE,
        "start_method": {"forkserver": {"preload_modules": ["connectors_dagster.definitions", "dagster_dlt"]}},
    }
)


def enabled_connectors() -> list[Connector]:
    """Return the connectors that configuration turns on."""
    connectors = load_connectors()
    return [connectors[name] for name in settings.enabled(connectors)]


@dg.definitions
def defs() -> dg.Definitions:
    """Build the definitions; touches no secret, network or disk."""
    connectors = enabled_connectors()
    return dg.Definitions(
        assets=[family for connector in connectors for family in build_assets(connector)],
        sensors=[build_window_sensor(connectors)],
        executor=EXECUTOR,
    )
