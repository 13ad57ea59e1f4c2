"""What the rows of a resource come from: requests of this project, or a program."""

from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from connectors_dagster.http.endpoint import Endpoint
from connectors_dagster.http.envelope import Envelope
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.request_parts import Bounds
from connectors_dagster.http.request_policy import RequestPolicy
from connectors_dagster.http.rereading import ListScope
from connectors_dagster.programs.endpoint import ProgramEndpoint
from connectors_dagster.read.connection import Connection
from connectors_dagster.rows.raw_json import RawRow
from connectors_dagster.spec.for_each import Each
from connectors_dagster.spec.resource import Resource


class AnyEndpoint(Protocol):
    """The rows of one resource, by pages; each sequence of pages has a session with its counts."""

    envelope: Envelope

    @property
    def each(self) -> Sequence[Each]:
        """What the resource is requested for, beside windows and parents."""

    def open_session(self, policy: RequestPolicy, stats: ReadStats, label: str) -> Any:
        """Return the session for one sequence of pages."""

    def pages(
        self,
        session: Any,
        bounds: Bounds = MappingProxyType({}),
        *,
        each: Each = MappingProxyType({}),
        scope: ListScope = "whole",
    ) -> Iterator[list[RawRow]]:
        """Yield the pages of a resource without a parent."""

    def close(self) -> None:
        """End what is still open."""


def open_endpoint(resource: Resource, connection: Connection, *, page_limit: int | None = None) -> AnyEndpoint:
    """Return what the rows of a resource are read from; `page_limit` is how many pages to read of each sequence."""
    if resource.program:
        return ProgramEndpoint(resource, resource.program, connection.values, page_limit=page_limit)
    return Endpoint(resource, connection.values, page_limit=page_limit)
