"""Paging by links, in the `Link` header or in the body."""

from typing import Any, Self

import requests
from dlt.sources.helpers.rest_client.paginators import HeaderLinkPaginator, JSONLinkPaginator

from connectors_dagster.compat.dlt_internals import next_reference, set_next_reference
from connectors_dagster.http import rereading
from connectors_dagster.http.cursors import is_end
from connectors_dagster.http.link_header import parse_links
from connectors_dagster.http.total import Total


def find_link(response: requests.Response, relation: str) -> str | None:
    """Return the target of a relation in the `Link` header, if there is one."""
    target = parse_links(response.headers.get("Link", "")).get(relation.lower())
    return None if is_end(target) else target


class LinkHeaderPaginator(HeaderLinkPaginator):
    """dlt's paginator for Link headers, with the header read as RFC 8288 defines it."""

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:  # noqa: ARG002
        """Find the link to the next page."""
        set_next_reference(self, find_link(response, self.links_next_key))


class CountedLinkPaginator(rereading.RereadingPaginator, LinkHeaderPaginator):
    """dlt's paginator for Link headers, for an API that reports the total number of rows.

    When a row before the current page disappears, all following rows move up, and some land on a page that was
    already read. The total falls by their number, and that many rows before the current page are read again by
    following the links to previous pages. If another row appears at the same time, the total does not reveal the one
    that disappeared: so a window that has not ended is read twice (see `Passes`).

    Args:
        links: dlt's paginator; names the link to the next page.
        total: reads the number of rows from a response.
        label: names the sequence in errors.
    """

    def __init__(self, links: HeaderLinkPaginator, total: Total, label: str) -> None:
        """Start before the first page."""
        LinkHeaderPaginator.__init__(self, links.links_next_key)
        self.notices = "deletions"
        self.total, self.label = total, label
        self._total = self._size = self._behind = self._steps_back = self._place = 0
        self._farthest = -1

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Record a page and choose the link to follow."""
        if (total := self.total.read(response)) is not None:
            self._behind += max(0, self._total - total)
            self._total = total
        self._size = max(self._size, len(data or ()))
        self.is_reread = self.moved = self._place <= self._farthest
        if not self.is_reread:
            self._farthest, self._steps_back = self._place, 0
        if self._behind > 0 and self._place > 0 and self._total:
            self._step_back(response)
            return
        self._behind, self._place = 0, self._place + 1
        super().update_state(response, data)

    def _step_back(self, response: requests.Response) -> None:
        self._steps_back += 1
        previous = find_link(response, "prev")
        if self._steps_back > rereading.MAX_STEPS_BACK or previous is None:
            raise rereading.moves_too_fast(self.label)
        # From a page after the end, the link leads to the current last page.
        size = self._size or 1  # all pages so far may have been empty
        place = min(self._place - 1, (self._total - 1) // size)
        self._behind -= (self._place - place) * size
        self._place, self.is_reread, self.moved = place, True, True
        set_next_reference(self, previous)


class BodyLinkPaginator(JSONLinkPaginator):
    """dlt's paginator for a next URL in the body, for APIs that end with empty text, false or an empty object."""

    @classmethod
    def like(cls, other: JSONLinkPaginator) -> Self:
        """Copy the configuration of another paginator."""
        return cls(other.next_url_path)

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Find the URL as dlt does.

        Raises:
            ValueError: it is not text.
        """
        super().update_state(response, data)
        url = next_reference(self)
        if is_end(url):
            set_next_reference(self, None)
        elif not isinstance(url, str):
            raise ValueError(f"'{self.next_url_path}' is not a URL, got `{url}`")
