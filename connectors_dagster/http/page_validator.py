"""Looks at every page before its rows are believed."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import requests
from dlt.common import jsonpath
from dlt.sources.helpers.rest_client.client import PageData
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator, SinglePagePaginator

from connectors_dagster.errors import EnvelopeError
from connectors_dagster.http.answer import describe_answer
from connectors_dagster.http.links import CountedLinks
from connectors_dagster.http.paginators import AnchoredOffset
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.total import read_total
from connectors_dagster.rows.key_counter import KeyCounter
from connectors_dagster.rows.raw_json import NULL, RawRow, is_raw
from connectors_dagster.secrets.redaction import excerpt, redact
from connectors_dagster.spec.resource import Resource

MOST_EMPTY_PAGES = 1_000
SMALL_BODY = 500


def identity_of(resource: Resource) -> Callable[[Any], bytes]:
    """Return what tells rows of a resource apart: the key, or the whole row where the key is not complete."""
    return partial(_identity, resource.primary_key)


def _identity(primary_key: Sequence[str], row: Any) -> bytes:
    try:
        key = [row.get(name, NULL) for name in primary_key]
        if NULL in key:
            return b"\0".join(name.encode() + bytes(value) for name, value in row.items())
        return b"\0".join(key)
    except (AttributeError, TypeError):  # no row, as the guard will say when it comes to it
        return repr(row).encode()


class PageValidator:
    """Refuses what would otherwise pass for an end, or go on for ever, in one sequence of pages."""

    def __init__(self, resource: Resource, label: str) -> None:
        """Watch one sequence of pages."""
        self.resource, self.label, self.number = resource, label, 0
        self.identity = identity_of(resource)
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
        """Check one page and return its rows, less those that were read before on purpose.

        Raises:
            EnvelopeError: no list where the rows should be, rows that are no objects, a page that was here
                before, or an end that is none.
        """
        self.turn(page.response)
        self._check_envelope(page)
        if (total := read_total(self.resource.connector, page.response)) is not None:
            self._totals.add(total)
        paginator = page.paginator
        if isinstance(paginator, AnchoredOffset):
            if not paginator.stepping:
                self._check_repeated(page)
            return self._counted(paginator.fresh)
        if isinstance(paginator, CountedLinks) and paginator.stepping:
            return self._counted(page)
        self._check_repeated(page)
        if paginator.has_next_page:
            self._check_next(page)
        elif isinstance(paginator, JSONResponseCursorPaginator):
            self._check_end(page, paginator)
        return self._counted(page)

    def close(self, stats: ReadStats, *, whole: bool) -> None:
        """Count what only all pages together tell; `whole` says that the last of them was read."""
        different = self._keys.different()
        stats.keys += different
        stats.duplicates += len(self._keys) - different
        if whole and self._totals:
            # The total changes while rows come and go: any number in between may be what there was to read.
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
        read_from = f" (read from {redact(self._response.url)})" if self._response is not None else ""
        error = EnvelopeError(f"{self.label}: page {self.number} {what}: check {where} in {file}{read_from}")
        if self._response is not None:
            # Without the body: where it is no more than an error it is in the message, else it holds rows.
            error.answer = describe_answer(self._response, body=False)
        raise error

    def _counted(self, rows: list[RawRow]) -> list[RawRow]:
        self._keys.add(map(self.identity, rows))
        return rows

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
        fingerprint = hash(tuple(map(self.identity, page)))
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


def _shown(page: PageData[RawRow]) -> str:
    """Describe a body that is not what it should be; large ones by their fields only, for they may hold rows."""
    body = page.response.json()
    if len(page.response.content) <= SMALL_BODY:
        return f"the answer is {redact(page.response.text)}"
    fields = ", ".join(map(repr, body)) if isinstance(body, dict) else type(body).__name__
    return f"the answer holds {excerpt(fields, SMALL_BODY)}"


@lru_cache
def _compiled(path: str) -> jsonpath.TJsonPath:
    return jsonpath.compile_path(path)


def _split_at_wildcard(selector: str) -> tuple[str, str]:
    head, wildcard, below = selector.replace("[*]", ".*").partition(".*")
    return head, wildcard + below
