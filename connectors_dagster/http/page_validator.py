"""Checks every page before its rows are used."""

from collections.abc import Iterator, Sequence
from typing import cast

import requests
from dlt.sources.helpers.rest_client.client import PageData
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator, SinglePagePaginator

from connectors_dagster.compat.dlt_internals import find_values
from connectors_dagster.errors import EnvelopeError
from connectors_dagster.http.cursors import is_end
from connectors_dagster.http.passes import Passes
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.rereading import ListScope, RereadingPaginator
from connectors_dagster.http.response import JsonResponse, describe_response
from connectors_dagster.http.signs_of_more import clear_signs, likely_total, vague_signs
from connectors_dagster.http.total import Total
from connectors_dagster.rows.raw_json import RawRow, is_raw, path_of
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.limits import Limits
from connectors_dagster.spec.resource import Resource

MAX_EMPTY_PAGES = 1_000
MOST_REMEMBERED = 10_000
"""Pages among which a repeated one is found at once; a longer circle ends at the limit of pages."""
SMALL_BODY = 500
TRUE = {"true", "t", "yes", "y", "on", "1"}


class PageValidator:
    """Refuses pages that would end a sequence too early, or that would let it go on forever.

    Args:
        resource: the resource that is read.
        total: reads the number of rows from a response.
        label: names the sequence in errors.
        guessed: whether dlt chose the paginator because the connector names none.
        scope: which rows the list has.
    """

    def __init__(
        self, resource: Resource, total: Total, label: str, *, guessed: bool = False, scope: ListScope = "whole"
    ) -> None:
        """Start before the first page."""
        self.resource, self.total, self.label, self.guessed = resource, total, label, guessed
        self.selector = resource.endpoint.get("data_selector") or "$"
        self.head, self.below = _split_at_wildcard(self.selector)
        self._rows_at = path_of(self.head) or None  # an envelope has a name for its list
        self.passes = Passes(
            label,
            accept_fewer=resource.accept_fewer,
            scope="whole" if resource.pages_are_stable else scope,
        )
        self.restart()

    def restart(self) -> None:
        """Start before the first page, again or for the first time."""
        self.number = self._turned = self._empty = self._repeats = 0
        self.confirming = self.reread = False
        self._last: bytes | None = None
        self._seen, self._requested = _Recent(), _Recent()
        self._response: requests.Response | None = None
        self._farthest: PageData[RawRow] | None = None

    def check(self, page: PageData[RawRow]) -> list[RawRow]:
        """Check one page and return its rows, without those that the paginator read again on purpose.

        Raises:
            EnvelopeError: the list of rows is missing, rows are not objects, the page was read before, or the page
                contradicts itself or the connector about whether it is the last.
        """
        self.count_page(page.response)
        self._check_envelope(page)
        self._note_total(page)
        rereading = page.paginator if isinstance(page.paginator, RereadingPaginator) else None
        self.confirming = rereading is not None and rereading.confirming
        self.reread = rereading is not None and self._is_reread(_keys(page), rereading)
        if rereading is None or not rereading.is_reread:
            self._turned, self._farthest = self._turned + 1, page
        if rereading is None or not rereading.is_reread or rereading.stuck:
            self._check_repeated(page, rereading)
            self._check_empty(page)
        # A paginator that knows which rows are new may request a page twice.
        if rereading is None or (rereading.new_positions is None and not rereading.is_reread):
            self._check_what_follows(page)
        elif not page.paginator.has_next_page and not self.resource.short_page_is_end:
            self._check_last_page(page if self._farthest is None else self._farthest)
        return self.passes.add(page, _keys(page), rereading, more=page.paginator.has_next_page)

    def close(self, stats: ReadStats, *, whole: bool) -> None:
        """Add the counts that need all pages to `stats`; `whole` is true if the last page was read.

        Raises:
            EnvelopeError: fewer rows were read than the API reports.
            TransientApiError: rows move faster than they can be read.
        """
        self.passes.close(stats, whole=whole)

    def count_page(self, response: requests.Response | None = None) -> None:
        """Count a page; `response` is what it was read from, if that is known."""
        self.number, self._response = self.number + 1, response

    def check_number(self, limits: Limits) -> None:
        """Refuse a page if there are too many before it.

        Raises:
            EnvelopeError: names the setting to raise.
        """
        if self.number > limits.max_pages:
            raise EnvelopeError(
                f"{self.label}: there are more than {limits.max_pages:,} pages: if the list is so long, raise "
                f"{limits.setting('max_pages')}; if it does not end, check paginator"
            )

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

    def _check_envelope(self, page: PageData[RawRow]) -> None:
        found = find_values(self.head, page.response.json())
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

    def _is_reread(self, keys: Sequence[bytes], rereading: RereadingPaginator) -> bool:
        """Return whether a page was read again on purpose, or begins with another version of the last row read."""
        if rereading.is_reread:
            return True
        overlaps, self._last = bool(keys) and keys[0] == self._last, keys[-1] if keys else None
        return overlaps and bool(rereading.new_positions and rereading.new_positions[0] == 0)

    def _check_repeated(self, page: PageData[RawRow], rereading: RereadingPaginator | None) -> None:
        """Refuse a page that was read before, except for a single row: it may only confirm the end."""
        fingerprint = hash(tuple(_keys(page)))
        self._repeats = self._repeats + 1 if page and fingerprint in self._seen else 0
        self._seen.add(fingerprint)
        # Just enough rows may have appeared before a page to bring the rows of the page before it back.
        max_repeats = rereading.max_repeats if rereading else 1
        may_be_last = rereading and (len(page) == 1 or rereading.end_is_reported)
        max_repeats = max_repeats if page.paginator.has_next_page or may_be_last else 0
        if self._repeats > max_repeats or (rereading and rereading.stuck):
            why = "the API does not follow the paging parameters, or primary_key does not identify a row"
            if self.guessed:
                proposed = next((f", for example {paginator}" for _, paginator in self._signs(page, 1, vague=True)), "")
                why = f"the connector declares no paginator, and a guessed one does not fit: declare one{proposed}"
            self.fail(f"repeats an earlier page: {why}", "paginator")

    def _check_empty(self, page: PageData[RawRow]) -> None:
        self._empty = 0 if page else self._empty + 1
        if self._empty > MAX_EMPTY_PAGES and page.paginator.has_next_page:
            self.fail(
                f"and the {MAX_EMPTY_PAGES} pages before it are empty, and it points to another page", "paginator"
            )

    def _check_what_follows(self, page: PageData[RawRow]) -> None:
        paginator = page.paginator
        if paginator.has_next_page:
            self._check_next(page)
            return
        if isinstance(paginator, JSONResponseCursorPaginator):
            self._check_end(page, paginator)
        self._check_last_page(page)

    def _check_last_page(self, page: PageData[RawRow]) -> None:
        """Refuse a last page that shows a sign of another one.

        A vague sign is enough if dlt chose the paginator. A single page without rows has nothing to page through.
        """
        only = isinstance(page.paginator, SinglePagePaginator)
        expected = _is_declared_end(page) or (only and not page)
        signs = [] if expected else list(self._signs(page, self._turned, vague=only))
        if not signs or (self.resource.accept_fewer and not self.guessed):
            return
        shown, (_, proposed) = " and ".join(sign for sign, _ in signs), signs[0]
        if not only:
            self.fail(
                f"is the last one for the paginator, but has {shown}: declare a paginator that follows it, for example "
                f"{proposed}, or accept_fewer if there is no other page",
                "paginator",
            )
        otherwise = "single_page" if self.guessed else "accept_fewer"
        self.fail(
            f"has {shown}, but the connector does not say how to request another page: declare a paginator, for "
            f"example {proposed}, or {otherwise} if there is no other page",
            "paginator",
        )

    def _signs(self, page: PageData[RawRow], pages: int, *, vague: bool) -> Iterator[tuple[str, str]]:
        yield from clear_signs(page.response, self._rows_at, pages)
        if self.guessed and vague:
            yield from vague_signs(page.response, len(page), self._rows_at)

    def _note_total(self, page: PageData[RawRow]) -> None:
        """Record the total that a page reports, and refuse one that is not a number or less than the rows on it."""
        declared, rows = self.total.find(page.response), len(page)
        total = self.total.guess(page.response)
        where = "total_header" if self.total.header else "total_path"
        if self.total.read(page.response) is None and declared is not None:
            self.fail(f"has {excerpt(str(declared), 100)!r} as its total, which is not a whole number", where)
        if declared is not None and total is not None and total < rows and not self.below:
            self.fail(f"has {rows} rows, but reports a total of {total}, which is the total of something else", where)
        self.passes.note_total(total, None if total is not None else likely_total(page.response, self._rows_at))

    def _check_next(self, page: PageData[RawRow]) -> None:
        following = hash(f"{page.request.url} {page.request.params} {page.request.json}")
        if following in self._requested:
            self.fail("points to a page that was already requested", "paginator")
        self._requested.add(following)

    def _check_end(self, page: PageData[RawRow], paginator: JSONResponseCursorPaginator) -> None:
        body = page.response.json()
        more = find_values(paginator.has_more_path, body) if paginator.has_more_path else []
        cursor = find_values(paginator.cursor_path, body)
        if more and str(more[0]).lower() in TRUE and (not cursor or is_end(cursor[0])):
            self.fail(
                f"reports {str(paginator.has_more_path)!r} but has no {str(paginator.cursor_path)!r} cursor",
                "cursor_path",
            )


def _is_declared_end(page: PageData[RawRow]) -> bool:
    """Return whether the connector says how this API ends: by `has_more_path`, or by an empty page."""
    paginator = page.paginator
    own = getattr(paginator, "pages", None) or getattr(paginator, "offset", None) or paginator
    return bool(getattr(own, "has_more_path", None)) or (not page and getattr(own, "stop_after_empty_page", False))


class _Recent:
    """The hashes of the latest pages: memory does not grow with the pages of a list."""

    def __init__(self) -> None:
        self._hashes: dict[int, None] = {}

    def __contains__(self, page: int) -> bool:
        return page in self._hashes

    def add(self, page: int) -> None:
        self._hashes.pop(page, None)
        self._hashes[page] = None
        if len(self._hashes) > MOST_REMEMBERED:
            del self._hashes[next(iter(self._hashes))]


def _keys(page: PageData[RawRow]) -> Sequence[bytes]:
    return cast(JsonResponse, page.response).row_keys


def _shown(page: PageData[RawRow]) -> str:
    """Describe an unexpected body. Large ones are described by field names only because they may contain rows."""
    body = page.response.json()
    if len(page.response.content) <= SMALL_BODY:
        return f"the response is {page.response.text}"
    fields = ", ".join(map(repr, body)) if isinstance(body, dict) else type(body).__name__
    return f"the response contains {excerpt(fields, SMALL_BODY)}"


def _split_at_wildcard(selector: str) -> tuple[str, str]:
    head, wildcard, below = selector.replace("[*]", ".*").partition(".*")
    return head, wildcard + below
