"""What a part of the windows is read for: values of lists, and for a child rows of its parent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors_dagster.http.endpoint import Endpoint
from connectors_dagster.http.request_parts import Bounds
from connectors_dagster.http.rereading import ListScope
from connectors_dagster.http.session import ApiSession
from connectors_dagster.read.endpoints import AnyEndpoint
from connectors_dagster.read.parent_rows import ParentRows
from connectors_dagster.rows.raw_json import RawRow
from connectors_dagster.spec.for_each import Each


@dataclass(frozen=True)
class Reading:
    """What a part of the windows is read for.

    Args:
        each: the values of lists.
        parents: for a child, the rows of its parent.
        numbers: which of them.
    """

    each: Each
    parents: ParentRows | None = None
    numbers: Sequence[int] = ()

    def pages(
        self, endpoint: AnyEndpoint, session: ApiSession, bounds: Bounds, scope: ListScope
    ) -> Iterator[list[RawRow]]:
        """Yield the pages, one parent after the other."""
        if self.parents is None:
            yield from endpoint.pages(session, bounds, each=self.each, scope=scope)
            return
        assert isinstance(endpoint, Endpoint)  # a program reads parents itself
        for number in self.numbers:
            parent = self.parents[number]
            if endpoint.resource.lacks_key(parent):
                session.stats.parents_without_key += 1
                continue
            if not endpoint.resource.may_have_rows(parent):
                continue
            yield from endpoint.child_pages(
                session,
                parent,
                parents_page=self.parents.page_of(number),
                bounds=bounds,
                each=self.each,
                scope=scope,
            )
