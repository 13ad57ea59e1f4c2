"""Paging by the Link header, without losing rows when others vanish meanwhile."""

from typing import Any

import requests
from dlt.sources.helpers.rest_client.paginators import HeaderLinkPaginator

from connectors_dagster.errors import TransientApiError

MOST_STEPS_BACK = 100


class CountedLinks(HeaderLinkPaginator):
    """dlt's paginator for Link headers, for an API that says in a header how many rows there are in all.

    When a row before the place that was read up to vanishes, all that follow move up, and some land on a page that
    was read already. The total has fallen by as many then: so many rows above the page at hand are read again, along
    the links to the previous page. A row that appears in the same moment hides one that vanishes; to a window
    that is over none is added.

    Args:
        links: says which link leads on.
        header: the response header with the total.
        label: names the sequence in errors.

    After each page, `stepping` tells that the page was read before, or that one before it is read next.
    """

    def __init__(self, links: HeaderLinkPaginator, header: str, label: str) -> None:
        """Start before the first page."""
        super().__init__(links.links_next_key)
        self.header, self.label = header, label
        self.stepping = False
        self._total = self._size = self._behind = self._steps_back = self._place = 0
        self._farthest = -1

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Take note of a page and choose the link to follow."""
        total = response.headers.get(self.header, "")
        if total.isdecimal():
            self._behind += max(0, self._total - int(total))
            self._total = int(total)
        self._size = max(self._size, len(data or ()))
        self.stepping = self._place <= self._farthest
        if not self.stepping:
            self._farthest, self._steps_back = self._place, 0
        if self._behind > 0 and self._place > 0 and self._total:
            self._step_back(response)
            return
        self._behind, self._place = 0, self._place + 1
        super().update_state(response, data)

    def _step_back(self, response: requests.Response) -> None:
        self._steps_back += 1
        if self._steps_back > MOST_STEPS_BACK or "prev" not in response.links:
            raise TransientApiError(f"{self.label}: rows vanish faster than they are read: read when it is quiet")
        # From behind the end, the link leads to what is the last page now.
        place = min(self._place - 1, (self._total - 1) // self._size)
        self._behind -= (self._place - place) * self._size
        self._place, self.stepping = place, True
        self._next_reference = response.links["prev"]["url"]
