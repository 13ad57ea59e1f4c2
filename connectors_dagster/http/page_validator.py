"""Checks every page before its rows are used."""

from collections.abc import Sequence
from functools import lru_cache
from typing import cast

import requests
from dlt.sources.helpers.rest_client.client import PageData
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator, SinglePagePaginator

from connectors_dagster.compat.dlt_internals import jsonpath
from connectors_dagster.errors import EnvelopeError
from connectors_dagster.http.paginators import AnchoredOffset, CountedLinks
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.response import JsonResponse, describe_response
from connectors_dagster.http.total import Total
from connectors_dagster.rows.key_counter import KeyCounter
from connectors_dagster.rows.raw_json import RawRow, is_raw
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.resource import Resource

MOST_EMPTY_PAGES = 1_000
SMALL_BODY = 500


class PageValidator:
    """Refuses pages of one sequence that would pass for an end, or that would never end.

    Args:
        resource: what is read.
        total: reads the number of rows from a response.
        label: names the sequence in errors.
    """

    def __init__(self, resource: Resource, total: Total, label: str) -> None:
        """Start before the first page."""
        self.resource, self.label, self.number = resource, label, 0
        self.total = total
        self.selector = resource.endpoint.get("data_selector") or "$"
        self.head, self.below = _split_at_wildcard(self.selector)
        self._list = _compiled(self.head)
        self._seen: set[int] = set()
        self._asked: set[str] = set()
        self._empty = 0
        self._response: requests.Response | None = None
        self._keys = KeyCounter()
        self._totals: set[int] = set()

    def check(self, page: PageData[RawRow]) -> list[RawRow]:
        """Check one page and return its rows without those that were read before on purpose.

        Raises:
            EnvelopeError: there is no list where the rows should be, rows are not objects, the page was read before,
                or the end contradicts what the page says.
        """
        self.turn(page.response)
        self._check_envelope(page)
        if (total := self.total.read(page.response)) is not None:
            self._totals.add(total)
        paginator = page.paginator
        if isinstance(paginator, AnchoredOffset):
            if not paginator.stepping:
                self._check_repeated(page)
            return self._counted(page, paginator.fresh)
        if isinstance(paginator, CountedLinks) and paginator.stepping:
            return self._counted(page)
        self._check_repeated(page)
        if paginator.has_next_page:
            self._check_next(page)
        elif isinstance(paginator, JSONResponseCursorPaginator):
            self._check_end(page, paginator)
        return self._counted(page)

    def close(self, stats: ReadStats, *, whole: bool) -> None:
        """Count what only all pages together show; `whole` is true if the last of them was read."""
        different = self._keys.different()
        stats.keys += different
        stats.duplicates += len(self._keys) - different
        if whole and self._totals:
            # The total changes while rows appear and disappear: any number in between may be the right one.
            told = max(min(self._totals), min(different, max(self._totals)))
            stats.told = told + (stats.told or 0)

    def turn(self, response: requests.Response | None = None) -> None:
        """Count a page; `response` is what it was read from, where that is known."""
        self.number, self._response = self.number + 1, response

    def fail(self, what: str, where: str) -> None:
        """Refuse the page at hand.

        Raises:
            EnvelopeError: always.
        """
        file = f"connectors/{self.resource.connector.name}.py"
        read_from = f" (read from {self._response.url})" if self._response is not None else ""
        error = EnvelopeError(f"{self.label}: page {self.number} {what}: check {where} in {file}{read_from}")
        if self._response is not None:
            # Without the body: a short one is in the message, and a long one contains rows.
            error.response = describe_response(self._response, body=False)
        raise error

    def _counted(self, page: PageData[RawRow], fresh: Sequence[int] | None = None) -> list[RawRow]:
        keys = _keys(page)
        if fresh is None or len(fresh) == len(page):
            self._keys.add(keys)
            return page
        self._keys.add(keys[at] for at in fresh)
        return [page[at] for at in fresh]

    def _check_envelope(self, page: PageData[RawRow]) -> None:
        found = jsonpath.find_values(self._list, page.response.json())
        single = self.below or isinstance(page.paginator, SinglePagePaginator)
        if not found or not isinstance(found[0], (list, dict) if single else list):
            shown = _shown(page)
            self.fail(f"has no list at {self.head!r}, the API's envelope has changed, {shown}", "data_selector")
        if self.below and len(found[0]) != len(page):
            self.fail(
                f"has {len(found[0])} items at {self.head!r} but {len(page)} at {self.selector!r}", "data_selector"
            )
        if not all(map(is_raw, page)):
            self.fail(f"holds something else than objects at {self.selector!r}", "data_selector")

    def _check_repeated(self, page: PageData[RawRow]) -> None:
        fingerprint = hash(tuple(_keys(page)))
        if page and fingerprint in self._seen:
            self.fail("repeats an earlier page: the API does not turn pages as asked", "paginator")
        self._seen.add(fingerprint)

    def _check_next(self, page: PageData[RawRow]) -> None:
        following = f"{page.request.url} {page.request.params} {page.request.json}"
        if following in self._asked:
            self.fail("points to a page that was already asked for", "paginator")
        self._asked.add(following)
        self._empty = 0 if page else self._empty + 1
        if self._empty > MOST_EMPTY_PAGES:
            self.fail(f"is empty, as are {MOST_EMPTY_PAGES} before it, and points to another", "paginator")

    def _check_end(self, page: PageData[RawRow], paginator: JSONResponseCursorPaginator) -> None:
        body = page.response.json()
        more = jsonpath.find_values(paginator.has_more_path, body) if paginator.has_more_path else []
        cursor = jsonpath.find_values(paginator.cursor_path, body)
        if more and more[0] in (True, "true", "True") and not (cursor and cursor[0]):
            self.fail(
                f"says {str(paginator.has_more_path)!r} but gives no {str(paginator.cursor_path)!r}", "cursor_path"
            )


def _keys(page: PageData[RawRow]) -> Sequence[bytes]:
    return cast(JsonResponse, page.response).row_keys


def _shown(page: PageData[RawRow]) -> str:
    """Describe a body that is not what it should be; large ones by their fields only, for they may hold rows."""
    body = page.response.json()
    if len(page.response.content) <= SMALL_BODY:
        return f"the response is {page.response.text}"
    fields = ", ".join(map(repr, body)) if isinstance(body, dict) else type(body).__name__
    return f"the response contains {excerpt(fields, SMALL_BODY)}"


@lru_cache
def _compiled(path: str) -> jsonpath.TJsonPath:
    return jsonpath.compile_path(path)


def _split_at_wildcard(selector: str) -> tuple[str, str]:
    head, wildcard, below = selector.replace("[*]", ".*").partition(".*")
    return head, wildcard + below
