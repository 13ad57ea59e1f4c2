"""Checks every page before its rows are used."""

from collections.abc import Mapping, Sequence, Set
from typing import cast

import requests
from dlt.sources.helpers.rest_client.client import PageData
from dlt.sources.helpers.rest_client.paginators import SinglePagePaginator

from connectors_dagster.compat.dlt_internals import find_values
from connectors_dagster.errors import EnvelopeError
from connectors_dagster.http.envelope import (
    SMALL_BODY,
    TEXTS,
    Envelope,
    fields_of,
    gap_in_lists,
    reason_against,
    show_body,
    split_at_wildcard,
)
from connectors_dagster.http.last_page import LastPage
from connectors_dagster.http.passes import Passes
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.repeated_pages import RepeatedPages
from connectors_dagster.http.reported_error import outcomes
from connectors_dagster.http.rereading import ListScope, RereadingPaginator
from connectors_dagster.http.response import JsonResponse, describe_response
from connectors_dagster.http.signs_of_more import SignsOfMore
from connectors_dagster.http.total import Total
from connectors_dagster.rows.raw_json import RawRow, is_raw, path_of
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.limits import Limits
from connectors_dagster.spec.resource import Resource


class PageValidator:
    """Refuses pages that would end a sequence too early, or that would let it go on forever.

    Args:
        resource: the resource that is read.
        total: reads the number of rows from a response.
        label: names the sequence in errors.
        guessed: whether dlt chose the paginator because the connector names none.
        scope: which rows the list has.
        envelope: what the lists of the resource had in the place of their rows.
    """

    def __init__(
        self,
        resource: Resource,
        total: Total,
        label: str,
        *,
        guessed: bool = False,
        scope: ListScope = "whole",
        envelope: Envelope,
    ) -> None:
        """Start before the first page."""
        self.envelope = envelope
        self.resource, self.total, self.label = resource, total, label
        self.selector = resource.endpoint.get("data_selector") or "$"
        self.head, self.below = split_at_wildcard(self.selector)
        self._rows_at = path_of(self.head) or None  # an envelope has a name for its list
        self._signs = SignsOfMore(self._rows_at, resource.name)
        self.last_page = LastPage(
            fail=self.fail, signs=self._signs, guessed=guessed, accept_fewer=resource.accept_fewer
        )
        self.passes = Passes(
            label,
            accept_fewer=resource.accept_fewer,
            scope="whole" if resource.pages_are_stable else scope,
        )
        self.restart()

    def restart(self) -> None:
        """Start before the first page, again or for the first time."""
        self.number = self._turned = 0
        self.confirming = self.reread = False
        self._last: bytes | None = None
        self._outcomes: Mapping[str, str] = {}
        self._fields: Set[str] | None = None
        self.repeated = RepeatedPages(self.fail, self.last_page.explain_repetition, self.last_page.says_last)
        self._response: requests.Response | None = None
        self._farthest: PageData[RawRow] | None = None
        self._before: PageData[RawRow] | None = None

    def check(self, page: PageData[RawRow]) -> list[RawRow]:
        """Check one page and return its rows, without those that the paginator read again on purpose.

        Raises:
            EnvelopeError: the list of rows is missing, rows are not objects, the page was read before, or the page
                contradicts itself or the connector about whether it is the last.
        """
        self.count_page(page.response)
        self._check_envelope(page)
        self._check_outcome(page)
        self._note_total(page)
        if self.number == 1:
            self.last_page.check_first(page)
        rereading = page.paginator if isinstance(page.paginator, RereadingPaginator) else None
        self.confirming = rereading is not None and rereading.confirming
        self.reread = rereading is not None and self._is_reread(_keys(page), rereading)
        if rereading is None or not rereading.is_reread:
            self._turned, self._before, self._farthest = self._turned + 1, self._farthest, page
        if rereading is None or not rereading.is_reread or rereading.stuck:
            self.repeated.check(page, _keys(page), rereading)
        # A paginator that knows which rows are new may request a page twice.
        if rereading is None or (rereading.new_positions is None and not rereading.is_reread):
            self._check_what_follows(page)
        elif not page.paginator.has_next_page and not self.resource.short_page_is_end:
            self.last_page.check(page if self._farthest is None else self._farthest, self._turned, self._before)
        return self.passes.add(page, _keys(page), rereading, more=page.paginator.has_next_page)

    def close(self, stats: ReadStats, *, whole: bool) -> None:
        """Add the counts that need all pages to `stats`; `whole` is true if the last page was read.

        Raises:
            EnvelopeError: fewer rows were read than the API reports.
            TransientApiError: rows move faster than they can be read.
        """
        self.passes.close(stats, whole=whole)
        del self.passes  # what checks pages refers to this object and is kept for a while; the keys may be very many

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
        raise self._error(what, where)

    def _error(self, what: str, where: str) -> EnvelopeError:
        file = self.resource.connector.source_file
        read_from = f" (read from {self._response.url})" if self._response is not None else ""
        error = EnvelopeError(f"{self.label}: page {self.number} {what}: check {where} in {file}{read_from}")
        if self._response is not None:
            # Without the body: a short one is in the message, and a long one contains rows.
            error.response = describe_response(self._response, body=False)
        return error

    def _check_envelope(self, page: PageData[RawRow]) -> None:
        found = find_values(self.head, page.response.json())
        nothing = not page and (page.response.status_code == 204 or (bool(found) and not found[0]))
        if self.number > 1 and nothing:
            return  # some APIs end with null, an empty object or no body instead of an empty list
        if not found and self.total.read(page.response) == 0:
            return  # two signs: no list, and the declared total
        if self.resource.missing_envelope == "empty" and (not found or (not found[0] and found[0] != [])):
            if reason := reason_against(page, self._rows_at or (), self.resource.error_when, self._fields):
                self.fail(f"has no list at {self.head!r} and {reason} ({show_body(page.response)})", "data_selector")
            self.envelope.empty = f"{self.label}: page {self.number} has no list at {self.head!r}"
            return
        single = self.below or self.resource.options.object_is_row or isinstance(page.paginator, SinglePagePaginator)
        if not found or not isinstance(found[0], (list, dict) if single else list):
            shown = f"the format of the response has changed; {show_body(page.response)}"
            error = self._error(f"has no list at {self.head!r} ({shown})", "data_selector")
            body = page.response.json()
            if found == [None] and isinstance(body, dict) and not any(map(body.get, TEXTS)):
                self.envelope.missing = error  # some APIs write all empty lists as null
                return
            raise error
        self.envelope.seen = True
        self._fields = fields_of(page)
        if self.below and (gap := gap_in_lists(self.selector, page.response.json(), len(page))):
            if self.resource.missing_envelope != "empty" or not page:
                self.fail(gap, "data_selector")
            self.envelope.gap = f"{self.label}: page {self.number} {gap}"
        if not all(map(is_raw, page)):
            self.fail(f"contains rows that are not objects at {self.selector!r}", "data_selector")

    def _is_reread(self, keys: Sequence[bytes], rereading: RereadingPaginator) -> bool:
        """Return whether a page was read again on purpose, or begins with another version of the last row read."""
        if rereading.is_reread:
            return True
        overlaps, self._last = bool(keys) and keys[0] == self._last, keys[-1] if keys else None
        return overlaps and bool(rereading.new_positions and rereading.new_positions[0] == 0)

    def _check_what_follows(self, page: PageData[RawRow]) -> None:
        if page.paginator.has_next_page:
            self.repeated.check_next(page)
            return
        self.last_page.check_cursor(page)
        self.last_page.check(page, self._turned, self._before)

    def _check_outcome(self, page: PageData[RawRow]) -> None:
        """Refuse a page without rows that says in other words than the pages before it how the request went."""
        if self.resource.error_when is not None or self.below:
            return
        found = outcomes(page.response.json())
        if page:
            # A number may be that of the rows.
            self._outcomes = {name: "0" if text == str(len(page)) else text for name, text in found.items()}
        elif self._turned and (changed := dict(found.items() - self._outcomes.items())):
            shown = ", ".join(f"{name!r} as {excerpt(text, SMALL_BODY)!r}" for name, text in changed.items())
            self.fail(
                f"has no rows and reports {shown}, unlike the pages before it ({show_body(page.response)}); if that is "
                "no error",
                "error_when",
            )

    def _note_total(self, page: PageData[RawRow]) -> None:
        """Record the total that a page reports, and refuse one that is not a number or less than the rows on it."""
        declared, rows = self.total.find(page.response), len(page)
        total = self.total.guess(page.response)
        where = "total_header" if self.total.header else "total_path"
        if self.total.read(page.response) is None and declared is not None:
            self.fail(f"has {excerpt(str(declared), 100)!r} as its total, which is not a whole number", where)
        if declared is not None and total is not None and total < rows and not self.below:
            self.fail(f"has {rows} rows, but reports a total of {total}, which is the total of something else", where)
        self.passes.note_total(total, None if total is not None else self._signs.likely_total(page.response))


def _keys(page: PageData[RawRow]) -> Sequence[bytes]:
    return cast(JsonResponse, page.response).row_keys
