"""The end of a list with `Link` headers: no header says so, if headers of that name do not arrive here."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from dlt.sources.helpers.rest_client.client import PageData

from connectors_dagster.http.links import LinkHeaderPaginator
from connectors_dagster.rows.raw_json import RawRow

PAGE_SIZE = re.compile(r".*(limit|size|per_?page|max_?results|(?<!ac)(?<!dis)count)\]?", re.IGNORECASE)


class LinkProof:
    """Remembers whether any response of a resource had a `Link` header.

    Some proxies remove headers. Then a page with as many rows as were requested looks like the last one. Half as many
    rows must have a link to the others.
    """

    def __init__(self) -> None:
        """Start without a response."""
        self._arrives = False

    def note(self, page: PageData[RawRow]) -> None:
        """Remember the header of a page."""
        self._arrives |= "Link" in page.response.headers

    def half(self, page: PageData[RawRow], total: int | None) -> Mapping[str, int]:
        """Return the parameters for half of the only page of a list if it may not be the last; else none.

        If the API says how many rows there are, they are requested only if the page has fewer.
        """
        by_link = isinstance(page.paginator, LinkHeaderPaginator)
        if self._arrives or len(page) < 2 or not by_link or (total is not None and total <= len(page)):
            return {}
        query = parse_qsl(urlsplit(str(page.response.request.url)).query)
        sizes = {name: int(value) for name, value in query if PAGE_SIZE.fullmatch(name) and value.isdecimal()}
        # A page with fewer rows than were requested is full, too, if the API has a smaller limit: its total tells.
        return {
            name: len(page) // 2 for name, size in sizes.items() if size == len(page) or (total and size > len(page))
        }

    def is_lost(self, page: PageData[RawRow], half: Mapping[str, int]) -> bool:
        """Return whether half of a page has no link to the other half; not if it has more or fewer rows than half."""
        self.note(page)
        return not self._arrives and len(page) == min(half.values())
