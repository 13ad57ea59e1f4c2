"""Forgets what was recorded of resources, so that they are loaded again."""

import dagster as dg

from connectors_dagster.compat.dagster_internals import latest_materialization_ids, wipe
from connectors_dagster.errors import MaskedError
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.active_runs import active_windows, find_unfinished
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.spec.resource import Resource


class StillRunningError(MaskedError):
    """What is to be forgotten is being loaded."""


def loaded_with(assets: ConnectorAssets, resource: Resource) -> list[Resource]:
    """List a resource and the children that are loaded with it, and theirs."""
    return [one for one in assets.resources if one.family == resource.family and resource in one.line]


def forget(instance: dg.DagsterInstance, assets: ConnectorAssets, resource: Resource) -> dict[str, int]:
    """Forget what was recorded of a resource and of its children in the family.

    Returns:
        The number of windows that were recorded, by the name of the resource.

    Raises:
        StillRunningError: the family is queued or running.
    """
    windows = assets.grid.opened(clock.now())
    if assets.op_name(resource) in active_windows(find_unfinished(instance), assets, windows):
        raise StillRunningError(
            f"{resource} is queued or running: wait until its run has ended or cancel it in the Dagster UI; "
            "then run again"
        )
    forgotten = {}
    for one in loaded_with(assets, resource):
        key = assets.key(one)
        forgotten[str(one)] = len(latest_materialization_ids(instance, key))
        wipe(instance, key)
    return forgotten
