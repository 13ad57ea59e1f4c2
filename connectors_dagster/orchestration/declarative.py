"""Declarative automation: each asset has a condition that says when Dagster loads it, instead of a schedule."""

import warnings
from collections.abc import Sequence
from typing import cast

import dagster as dg

from connectors_dagster.compat.dagster_internals import instance_of, partitions_among
from connectors_dagster.load.inventory import Inventory, take_inventory
from connectors_dagster.orchestration import clock
from connectors_dagster.orchestration.backlog import incomplete_windows
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.partitions import partitions_of

RESUMES = {"windows": "resumed"}
"""The tag of the runs that continue windows where their last read ended, as those of a schedule do."""
INTERVAL = 60
"""Seconds from one evaluation to the next."""


class HasWindowsToRead(dg.AutomationCondition[dg.AssetKey]):
    """Is true for the windows of a resource that were not read to their end; resources without windows always are."""

    def __init__(self, assets: ConnectorAssets) -> None:
        """Decide about the resources of these assets."""
        self.assets = assets
        self._inventory: tuple[int, Inventory | None] = (-1, None)

    @property
    def name(self) -> str:
        """What the UI calls it."""
        return "has_windows_to_read"

    def evaluate(self, context: dg.AutomationContext[dg.AssetKey]) -> dg.AutomationResult[dg.AssetKey]:
        """Find the windows that are missing or incomplete."""
        resource = self.assets.by_key[context.key]
        if not resource.windowed:
            return dg.AutomationResult(context, context.candidate_subset)
        instance, grid = instance_of(context), self.assets.grid
        # The sensor that adds partitions may come later: a window without a partition cannot be loaded.
        partitions = set(instance.get_dynamic_partitions(grid.name))
        windows = [window for window in grid.opened(clock.now()) if window.key in partitions]
        left = incomplete_windows(instance, self.assets, [resource], windows, self._held(context.evaluation_id))
        keys = {window.key for window in left}
        return dg.AutomationResult(context, partitions_among(context, partitions_of(grid), keys))

    def _held(self, evaluation: int) -> Inventory | None:
        """Return what the destination holds, looked up once per evaluation."""
        if self._inventory[0] != evaluation:
            self._inventory = (evaluation, take_inventory(self.assets.connector.name))
        return self._inventory[1]


def build_condition(assets: ConnectorAssets, cron: str) -> dg.AutomationCondition[dg.AssetKey]:
    """Return the condition of all assets of a connector.

    A window is requested when it starts or is found to be missing, and then at every tick of the cron expression until
    it was read to its end; a resource without windows once, and then at every tick. Nothing is requested that is queued
    or running.
    """
    left = HasWindowsToRead(assets)
    due = dg.AutomationCondition.cron_tick_passed(cron, "UTC") | left.newly_true()
    handled = dg.AutomationCondition.newly_requested() | dg.AutomationCondition.newly_updated()
    condition = left & due.since(handled) & ~dg.AutomationCondition.in_progress()
    return cast(dg.AutomationCondition[dg.AssetKey], condition.with_label("to_load"))


def build_condition_sensor(shops: Sequence[ConnectorAssets]) -> dg.AutomationConditionSensorDefinition:
    """Build the sensor that evaluates the conditions of a connector, for all its shops."""
    name = shops[0].job_name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of use_user_code_server, which conditions in Python need
        return dg.AutomationConditionSensorDefinition(
            name=f"automation_{name}",
            target=dg.AssetSelection.assets(*(key for assets in shops for key in assets.by_key)),
            use_user_code_server=True,
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=INTERVAL,
            run_tags=RESUMES,
            description=f"Loads what {name} lacks, as the conditions of its assets say.",
        )
