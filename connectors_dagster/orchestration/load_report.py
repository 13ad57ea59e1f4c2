"""Report what a step has loaded: whole assets, or only the windows that were read well."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

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


class LoadReport:
    """The materializations of one attempt of a step, which continues what earlier attempts have loaded."""

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
        self._before = landed_before(context)
        self._landed: dict[str, set[str]] = {
            str(resource): {window for key, window in self._before if key == assets.key(resource)}
            for resource in resources
        }

    def has_landed(self, slice_: Slice) -> bool:
        """Return whether an earlier attempt has loaded a window of all resources."""
        return all(slice_.window.key in windows for windows in self._landed.values())

    def landed(self) -> list[str]:
        """Say which windows were loaded although others failed."""
        grid = self.assets.grid
        return [
            f"{name} window {describe_windows(map(grid.find, windows))}: loaded"
            for name, windows in self._landed.items()
            if windows
        ]

    def results(self, load: "Load", outcome: "Outcome") -> Iterator[dg.MaterializeResult[None]]:
        """Record the windows that were loaded; if none failed, the result is that of the whole run.

        Dagster takes a result for all windows of a run, so after a failure each window is recorded by itself.
        """
        resource, metadata = outcome.resource, dict[str, Any]()
        key = self.assets.key(resource)
        for slice_ in outcome.landed:
            shown = self._metadata(load, outcome, slice_)
            if slice_ is None:
                metadata = shown
                continue
            window = slice_.window.key
            self._landed[str(resource)].add(window)
            if outcome.failed:
                self.context.log_event(dg.AssetMaterialization(key, partition=window, metadata=shown))
            else:
                # Dagster would show metadata of the result above that of the window.
                self.context.add_asset_metadata(shown, asset_key=key, partition_key=window)
        if not outcome.failed:
            self._repeat(key, without={slice_.window.key for slice_ in outcome.landed if slice_})
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)

    def _metadata(self, load: "Load", outcome: "Outcome", slice_: Slice | None) -> dict[str, Any]:
        resource, stats = outcome.resource, outcome.stats_by_slice[slice_]
        spec = self.assets.specs[resource.name]
        shown = {
            **preview_metadata(resource, slice_, outcome.previews[slice_]),
            **read_metadata(resource, slice_, stats),
            **load_metadata(load, outcome),
            **loaded_metadata(spec, resource, load.pipeline.default_schema),
            **({"page_limit": self.page_limit} if self.page_limit else {}),
        }
        return masked(in_order(shown))

    def _repeat(self, key: dg.AssetKey, *, without: set[str]) -> None:
        """Record what earlier attempts have recorded again, because the result is that of all windows."""
        for (asset, window), found in self._before.items():
            if asset == key and window not in without:
                self.context.add_asset_metadata(found.metadata, asset_key=key, partition_key=window)
