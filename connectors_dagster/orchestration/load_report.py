"""Report what a step has loaded: whole assets, or only the windows that were read well."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import dagster as dg

from connectors_dagster.load.destination_location import location
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.masked import masked
from connectors_dagster.orchestration.metadata import in_order, load_metadata, preview_metadata, read_metadata
from connectors_dagster.orchestration.resume import landed_before
from connectors_dagster.orchestration.table_metadata import loaded_metadata
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice, describe_windows

if TYPE_CHECKING:
    from connectors_dagster.load.extract import Outcome
    from connectors_dagster.load.pipeline import Load

TABLE_ROWS = "dagster/row_count"


class LoadReport:
    """The materializations of one attempt of a step, which continues what earlier attempts have loaded.

    Dagster takes a result for all windows of a run. So what is loaded before the end, or beside a failure, is recorded
    window by window, and once more with the result, as otherwise the result would hide it.
    """

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        assets: ConnectorAssets,
        resources: Sequence[Resource],
        *,
        page_limit: int | None,
    ) -> None:
        """Look up what earlier attempts have loaded."""
        self.context, self.assets, self.resources, self.page_limit = context, assets, resources, page_limit
        self._recorded: dict[tuple[dg.AssetKey, str], Mapping[str, Any]] = {
            key: found.metadata for key, found in landed_before(context).items()
        }
        self._table_rows: dict[dg.AssetKey, Mapping[str, Any]] = {}
        self._unwindowed: dict[dg.AssetKey, Mapping[str, Any]] = {}
        self._failed: set[dg.AssetKey] = set()

    def has_landed(self, slice_: Slice) -> bool:
        """Return whether a window of all resources is loaded."""
        return all((self.assets.key(resource), slice_.window.key) in self._recorded for resource in self.resources)

    def landed(self) -> list[str]:
        """Say which windows were loaded although others failed."""
        found = {
            resource: [window for key, window in self._recorded if key == self.assets.key(resource)]
            for resource in self.resources
        }
        return [
            f"{resource} window {describe_windows(map(self.assets.grid.find, windows))}: loaded"
            for resource, windows in found.items()
            if windows
        ]

    def abandon(self) -> None:
        """Yield no results, because windows of every resource will not be read."""
        self._failed.update(map(self.assets.key, self.resources))

    def record(self, load: "Load", *, is_last: bool) -> None:
        """Record the windows that were loaded, unless a result of the whole run is going to."""
        for outcome in load.outcomes.values():
            if outcome.resource not in self.resources:
                continue
            key = self.assets.key(outcome.resource)
            if outcome.errors:
                self._failed.add(key)
            if not outcome.ready:
                continue
            table = loaded_metadata(self.assets.specs[outcome.resource.name], outcome.resource, load.schema)
            for slice_ in outcome.landed:
                shown = self._metadata(load, outcome, slice_, table)
                self._table_rows |= {key: {TABLE_ROWS: shown[TABLE_ROWS]}} if TABLE_ROWS in shown else {}
                if slice_ is None:
                    self._unwindowed[key] = shown
                    continue
                window = slice_.window.key
                self._recorded[key, window] = shown
                if key in self._failed or not is_last:
                    self.context.log_event(dg.AssetMaterialization(key, partition=window, metadata=shown))

    def results(self) -> Iterator[dg.MaterializeResult[None]]:
        """Yield the results of the resources that were loaded; none of those that have failed."""
        for resource in self.resources:
            key = self.assets.key(resource)
            if key in self._failed:
                continue
            for (asset, window), shown in self._recorded.items():
                if asset == key:
                    # Dagster would show metadata of the result above that of the window. It records the windows in
                    # no order, and shows the size of the table from the last one: so all have that of the last load.
                    now = {**shown, **(self._table_rows.get(key, {}) if TABLE_ROWS in shown else {})}
                    self.context.add_asset_metadata(now, asset_key=key, partition_key=window)
            yield dg.MaterializeResult(asset_key=key, metadata=self._unwindowed.get(key, {}))

    @cached_property
    def _loaded_into(self) -> str:
        """Where the rows are, which is looked up once and not for each window."""
        return location()

    def _metadata(
        self, load: "Load", outcome: "Outcome", slice_: Slice | None, table: Mapping[str, Any]
    ) -> dict[str, Any]:
        resource, stats = outcome.resource, outcome.stats_by_slice[slice_]
        shown = {
            **preview_metadata(resource, slice_, outcome.previews[slice_]),
            **read_metadata(resource, slice_, stats, self._loaded_into),
            **load_metadata(load, outcome),
            **table,
            **({"page_limit": self.page_limit} if self.page_limit else {}),
        }
        return masked(in_order(shown))
