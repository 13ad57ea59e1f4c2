"""What to load: resources of one family, and the slices of windows to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice


@dataclass(frozen=True, kw_only=True)
class LoadRequest:
    """The resources of one family to load, and the slices of windows to read.

    Args:
        now: the time of the request; missing rows are marked with it.
        resources: the resources to load. Ancestors that are not among them are read only for their keys, but a
            resource with lists that are loaded is loaded too.
        slices: empty for a family that is read whole.
        max_parallel_requests: maximum concurrent requests; the configured number by default.
        accept_loss: remove all rows that the API no longer returns, no matter how many.
        page_limit: maximum pages of each sequence, for a trial run, after which no row counts as missing.
    """

    now: datetime
    resources: Sequence[Resource]
    slices: Sequence[Slice] = ()
    max_parallel_requests: int | None = None
    accept_loss: bool = False
    page_limit: int | None = None

    @property
    def connector(self) -> Connector:
        """The connector all resources belong to."""
        return self.resources[0].connector

    @property
    def after(self) -> frozenset[str]:
        """The ids of the loads that this one continues: windows are read only from where those ended."""
        return frozenset().union(*(slice_.after for slice_ in self.slices))

    @property
    def name(self) -> str:
        """The name of pipeline and dlt schema."""
        return self.resources[0].pipeline_name

    def resources_to_load(self) -> list[Resource]:
        """All resources to load: those that are requested, and those in whose rows a list of them is."""
        return list(dict.fromkeys([*self.resources, *(r.list_of.parent for r in self.resources if r.list_of)]))

    def resources_to_read(self) -> list[Resource]:
        """All resources to read, parents first."""
        wanted = {one.name for resource in self.resources for one in resource.line}
        return [r for r in self.connector.graph.values() if r.name in wanted]
