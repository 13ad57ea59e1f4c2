"""Checks every page before its rows are used."""

from collections.abc import Sequence
from functools import lru_cache
from typing import cast

import requests
from dlt.sources.helpers.rest_client.client import PageData
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator, SinglePagePaginator

from connectors_dagster.compat.dlt_internals import jsonpath
from connectors_dagster.errors import EnvelopeError, TransientApiError
from connectors_dagster.http.page_numbers import RereadPages
from connectors_dagster.http.paginators import AnchoredOffset, CountedLinks
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.response import JsonResponse, describe_response
from connectors_dagster.http.signs_of_more import signs_of_more
from connectors_dagster.http.total import Total
from connectors_dagster.rows.key_counter import KeyCounter
from connectors_dagster.rows.raw_json import RawRow, is_raw
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.resource import Resource

MAX_EMPTY_PAGES = 1_000
SMALL_BODY = 500


class PageValidator:
    """Refuses pages that would end a sequence too early, or that would let it go on forever.

    Args:
        resource: the resource that is read.
        total: reads the number of rows from a response.
        label: names the sequence in errors.
        guessed: whether dlt chose the paginator because the connector names none.
    """

    def __init__(self, resource: Resource, total: Total, label: str, *, guessed: bool = False) -> None:
        """Start before the first page."""
        self.guessed = guessed
        self.resource, self.label, self.number = resource, label, 0
        self.total = total
        self.selector = resource.endpoint.get("data_selector") or "$"
        self.head, self.below = _split_at_wildcard(self.selector)
        self._list = _compiled(self.head)
        self._seen: set[int] = set()
        self._requested: set[str] = set()
        self._empty = 0
        self._response: requests.Response | None = None
        self._keys = KeyCounter()
        self._totals: set[int] = set()

    def check(self, page: PageData[RawRow]) -> list[RawRow]:
        """Check one page and return its rows, without those that the paginator read again on purpose.

        Raises:
            EnvelopeError: the list of rows is missing, rows are not objects, the page was read before, or the page
                contradicts itself about whether it is the last.
        """
        self.count_page(page.response)
        self._check_envelope(page)
        if (total := self.total.read(page.response)) is not None:
            self._totals.add(total)
        paginator = page.paginator
        if isinstance(paginator, AnchoredOffset | RereadPages):
            if not paginator.stepping:
                self._check_repeated(page)
            return self._counted(page, paginator.fresh)
        if isinstance(paginator, CountedLinks) and paginator.stepping:
            return self._counted(page)
        self._check_repeated(page)
        if self.guessed and isinstance(paginator, SinglePagePaginator):
            self._check_only_page(page)
        if paginator.has_next_page:
            self._check_next(page)
        elif isinstance(paginator, JSONResponseCursorPaginator):
            self._check_end(page, paginator)
        return self._counted(page)

    def close(self, stats: ReadStats, *, whole: bool) -> None:
        """Add the counts that need all pages to `stats`; `whole` is true if the last page was read.

        Raises:
            TransientApiError: fewer rows were read than the API reports.
        """
        different = self._keys.different()
        stats.keys += different
        stats.duplicates += len(self._keys) - different
        if whole and self._totals:
            # The total changes while rows appear and disappear: any number from the lowest to the highest may be right.
            total = max(min(self._totals), min(different, max(self._totals)))
            stats.source_rows = total + (stats.source_rows or 0)
            if different < total and not self.resource.connector.accept_fewer:
                raise TransientApiError(
                    f"{self.label}: {different} rows were read, but the API reports a total of {total}: check "
                    "paginator and primary_key; if the API counts rows that it does not return, set accept_fewer"
                )

    def count_page(self, response: requests.Response | None = None) -> None:
        """Count a page; `response` is what it was read from, if that is known."""
        self.number, self._response = self.number + 1, response

    def fail(self, what: str, where: str) -> None:
        """Raise an error about the current page.

        Raises:
            EnvelopeError: always.
        """
        file = self.resource.connector.source_file
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
        if self.number > 1 and not page and (page.response.status_code == 204 or (found and not found[0])):
            return  # some APIs end with null, an empty object or no body instead of an empty list
        single = self.below or isinstance(page.paginator, SinglePagePaginator)
        if not found or not isinstance(found[0], (list, dict) if single else list):
            shown = _shown(page)
            self.fail(
                f"has no list at {self.head!r} (the format of the response has changed; {shown})", "data_selector"
            )
        if self.below and len(found[0]) != len(page):
            self.fail(
                f"has {len(found[0])} items at {self.head!r} but {len(page)} at {self.selector!r}", "data_selector"
            )
        if not all(map(is_raw, page)):
            self.fail(f"contains rows that are not objects at {self.selector!r}", "data_selector")

    def _check_repeated(self, page: PageData[RawRow]) -> None:
        fingerprint = hash(tuple(_keys(page)))
        if page and fingerprint in self._seen:
            self.fail("repeats an earlier page: the API does not follow the paging parameters", "paginator")
        self._seen.add(fingerprint)

    def _check_only_page(self, page: PageData[RawRow]) -> None:
        """Refuse a page that shows a sign of another one, when the connector does not say how to request it."""
        if signs := list(signs_of_more(page.response, len(page))):
            self.fail(f"has {' and '.join(signs)}, but the connector does not say how to get another page", "paginator")

    def _check_next(self, page: PageData[RawRow]) -> None:
        following = f"{page.request.url} {page.request.params} {page.request.json}"
        if following in self._requested:
            self.fail("points to a page that was already requested", "paginator")
        self._requested.add(following)
        self._empty = 0 if page else self._empty + 1
        if self._empty > MAX_EMPTY_PAGES:
            self.fail(
                f"and the {MAX_EMPTY_PAGES} pages before it are empty, and it points to another page", "paginator"
            )

    def _check_end(self, page: PageData[RawRow], paginator: JSONResponseCursorPaginator) -> None:
        body = page.response.json()
        more = jsonpath.find_values(paginator.has_more_path, body) if paginator.has_more_path else []
        cursor = jsonpath.find_values(paginator.cursor_path, body)
        if more and more[0] in (True, "true", "True") and not (cursor and cursor[0]):
            self.fail(
                f"reports {str(paginator.has_more_path)!r} but has no {str(paginator.cursor_path)!r} cursor",
                "cursor_path",
            )


def _keys(page: PageData[RawRow]) -> Sequence[bytes]:
    return cast(JsonResponse, page.response).row_keys


def _shown(page: PageData[RawRow]) -> str:
    """Describe an unexpected body. Large ones are described by field names only because they may contain rows."""
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
