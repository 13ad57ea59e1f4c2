"""What to load: resources of one family, and what to read of which windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice


@dataclass(frozen=True, kw_only=True)
class LoadRequest:
    """What to load: resources of one family, and the slices of the windows to read.

    Args:
        now: when the order is given; written where rows are marked as absent.
        resources: the resources to load; ancestors that are not among them are read for their keys only.
        slices: empty for a family that is loaded whole.
        max_parallel_requests: requests under way at once; as configured when left out.
        accept_loss: let tables lose as many rows as the API no longer returns.
        page_limit: a trial: how many pages to read of each sequence. What is absent from them is not settled.
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
    def name(self) -> str:
        """The name of pipeline and dlt schema."""
        return self.resources[0].pipeline_name

    def resources_to_read(self) -> list[Resource]:
        """All resources to read, parents first."""
        wanted = {r.name for r in self.resources}
        for resource in self.resources:
            while resource.parent:
                resource = resource.parent
                wanted.add(resource.name)
        return [r for r in self.connector.graph.values() if r.name in wanted]
