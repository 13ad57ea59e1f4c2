"""A trial of a connector: one request for each resource, whose rows go nowhere."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from connectors_dagster.http.endpoint import Endpoint
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.request_parts import Bounds
from connectors_dagster.http.rereading import ListScope
from connectors_dagster.read.bounds import window_bounds
from connectors_dagster.read.connection import Connection
from connectors_dagster.read.endpoints import open_endpoint
from connectors_dagster.read.parent_rows import ParentRows
from connectors_dagster.rows.raw_json import RawRow
from connectors_dagster.spec.for_each import describe
from connectors_dagster.spec.plural import noun
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.windows import Slice, Window, shortest

Found = Sequence[RawRow] | Exception
PERIOD = timedelta(days=1)
"""The time of which rows are requested, so that the response is small."""


@dataclass(frozen=True)
class Trial:
    """Requests the first page of resources, each once: children are requested for the first row of their parent."""

    connection: Connection
    now: datetime
    _pages: dict[Resource, Found | None] = field(default_factory=dict, init=False)
    _locks: dict[Resource, threading.Lock] = field(default_factory=dict, init=False)

    def describe(self, resource: Resource) -> str:
        """Say what the API returned.

        Raises:
            ApiError: the request failed, or the response does not look as the connector says.
        """
        if resource.list_of:
            return f"in the rows of {resource.parent}"
        rows = self.rows(resource)
        if rows is None:
            return f"not tried: {resource.parent} has returned no row to request it for"
        of_day = " of the last day" if resource.bounded else ""
        return f"{resource.endpoint['path']} returned {len(rows)} {noun(len(rows), 'row')}{of_day} on its first page"

    def rows(self, resource: Resource) -> Sequence[RawRow] | None:
        """Return the rows of the first page, or None if there is no parent to request it for.

        Raises:
            ApiError: the request failed, now or before.
        """
        with self._locks.setdefault(resource, threading.Lock()):
            if resource not in self._pages:
                try:
                    self._pages[resource] = self._request(resource)
                except Exception as error:  # noqa: BLE001  # raised below, and again when it is asked for again
                    self._pages[resource] = error
        found = self._pages[resource]
        if isinstance(found, Exception):
            raise found
        return found

    def _request(self, resource: Resource) -> Sequence[RawRow] | None:
        endpoint = open_endpoint(resource, self.connection, page_limit=1)
        each = endpoint.each[0]
        session = endpoint.open_session(self.connection.policy_of(resource), ReadStats(), f"{resource}{describe(each)}")
        if resource.parent is None:
            scope: ListScope = "open window" if resource.windowed else "whole"
            try:
                return next(endpoint.pages(session, self._bounds(resource), each=each, scope=scope), [])
            finally:
                endpoint.close()
        assert isinstance(endpoint, Endpoint)  # a program reads parents itself
        if not (parents := self.rows(resource.parent)):
            return None
        known = ParentRows(resource.parent_fields)
        known.extend(parents[:1], page=1)
        parent: Any = known[0]
        bounds = self._bounds(resource)
        return next(endpoint.child_pages(session, parent, parents_page=1, bounds=bounds, each=each), [])

    def _bounds(self, resource: Resource) -> Bounds:
        if not resource.filtered:
            return MappingProxyType({})
        step = resource.cursor and resource.cursor.request_step
        window = Window(self.now - (min(PERIOD, shortest(step)) if step else PERIOD), self.now)
        return window_bounds(resource, [Slice(window, window.start, window.start)])
