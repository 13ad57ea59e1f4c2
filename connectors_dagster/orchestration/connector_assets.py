"""A connector in Dagster: the only place that knows its asset keys and the names of what belongs to it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import dagster as dg

from connectors_dagster.config.selected_resources import selected_resources
from connectors_dagster.config.settings import is_of_shop
from connectors_dagster.config.window_grid import window_grid
from connectors_dagster.orchestration.asset_keys import Api, Keys, default_key, relink
from connectors_dagster.orchestration.asset_specs import Description, describe_asset
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import WindowGrid

Names = str | Sequence[str]


@dataclass(frozen=True, kw_only=True, eq=False)
class ConnectorAssets:
    """The assets of a connector. All lookups by asset key or op name go through it.

    Args:
        connector: the connector.
        select: names of the resources to show; defaults to all. Configuration overrides it.
        key_prefix: put before every asset key, and before the names of ops, job, schedule and sensor.
        describe: describes a resource or the API as an asset whose dependencies are default keys.
    """

    connector: Connector
    select: Names | None = None
    key_prefix: Names = ()
    describe: Description = describe_asset

    def __post_init__(self) -> None:
        """Refuse a selection of resources that do not exist."""
        _ = self.resources

    @cached_property
    def api(self) -> Api:
        """The API as the root of the lineage."""
        return Api(connector=self.connector)

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """The selected resources, parents before their children."""
        selected = selected_resources(self.connector, None if self.select is None else _several(self.select))
        return tuple(resource for name, resource in self.connector.graph.items() if name in selected)

    @cached_property
    def specs(self) -> Mapping[str, dg.AssetSpec]:
        """The assets by resource name, the API first."""
        assets: list[Resource | Api] = [self.api, *self.resources]
        found = {asset.name: self._describe(asset) for asset in assets}
        self._refuse_equal_keys(found)
        shown = {default_key(asset): found[asset.name].key for asset in assets}
        hidden = self._hidden(shown)
        return MappingProxyType({name: relink(spec, shown=shown, hidden=hidden) for name, spec in found.items()})

    @cached_property
    def by_key(self) -> Mapping[dg.AssetKey, Resource]:
        """The selected resources by asset key."""
        return MappingProxyType({self.key(resource): resource for resource in self.resources})

    @cached_property
    def families(self) -> Mapping[str, tuple[Resource, ...]]:
        """The selected resources by the name of the op that loads them."""
        families: dict[str, tuple[Resource, ...]] = {}
        for resource in self.resources:
            families[self.op_name(resource)] = (*families.get(self.op_name(resource), ()), resource)
        return MappingProxyType(families)

    @cached_property
    def grid(self) -> WindowGrid:
        """The windows of the connector, with the step and start date that are configured when it is first used.

        Raises:
            SettingError: the step or the start date cannot be used.
        """
        return window_grid(self.connector)

    @property
    def has_windows(self) -> bool:
        """Whether any selected resource is loaded in windows."""
        return any(resource.windowed for resource in self.resources)

    @property
    def name(self) -> str:
        """A part of the names of ops: ``<prefix>_<connector>``."""
        return self._prefixed(self.connector.name)

    @cached_property
    def job_name(self) -> str:
        """The name of the job, and part of that of its schedule and sensors.

        The shops of a connector share them, but for a shop with a schedule or windows of its own: a job has the windows
        of one kind only.
        """
        own = any(is_of_shop(self.connector, setting) for setting in ("schedule", "start_date", "step"))
        return self.name if own else self._prefixed(self.connector.common_name)

    def job_in(self, definitions: dg.Definitions) -> str:
        """Return the name of the job that loads these assets; one of their own if it is in the definitions."""
        return self.name if any(job.name == self.name for job in definitions.jobs or ()) else self.job_name

    @property
    def schedule_name(self) -> str:
        """The name of the schedule."""
        return f"refresh_{self.job_name}"

    @property
    def sensor_name(self) -> str:
        """The name of the sensor that opens windows."""
        return f"open_windows_{self.job_name}"

    @property
    def checks_name(self) -> str:
        """The name of the op that runs the checks."""
        return f"checks_{self.name}"

    def op_name(self, resource: Resource) -> str:
        """Return the name of the op that loads a resource; `families` is the inverse."""
        return f"{self.name}__{resource.family}"

    def key(self, asset: Resource | Api) -> dg.AssetKey:
        """Return the asset key of a selected resource or of the API."""
        return self.specs[asset.name].key

    def _prefixed(self, name: str) -> str:
        return "_".join(re.sub(r"\W", "_", part, flags=re.ASCII) for part in (*_several(self.key_prefix), name))

    def _describe(self, asset: Resource | Api) -> dg.AssetSpec:
        spec = self.describe(asset)
        if not isinstance(spec, dg.AssetSpec):
            name = f"{self.connector.name}/{asset.name}"
            raise ValueError(f"{name}: the translation returned {spec!r}; it must return an AssetSpec")
        return spec.replace_attributes(key=spec.key.with_prefix(self.key_prefix)) if self.key_prefix else spec

    def _refuse_equal_keys(self, specs: Mapping[str, dg.AssetSpec]) -> None:
        names: dict[dg.AssetKey, str] = {}
        for name, spec in specs.items():
            if spec.key in names:
                raise ValueError(
                    f"{self.connector.name}: the translation gives {names[spec.key]!r} and {name!r} the same asset "
                    f"key {spec.key.to_user_string()}; keep the name in it, as in key: '{{{{ resource.name }}}}'"
                )
            names[spec.key] = name

    def _hidden(self, shown: Keys) -> Keys:
        """Return, for each resource that is not selected, the nearest asset upstream of it."""
        hidden: dict[dg.AssetKey, dg.AssetKey] = {}
        for resource in self.connector.graph.values():  # parents first
            if (key := default_key(resource)) not in shown:
                upstream = default_key(resource.parent or self.api)
                hidden[key] = shown.get(upstream) or hidden[upstream]
        return hidden


def _several(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
