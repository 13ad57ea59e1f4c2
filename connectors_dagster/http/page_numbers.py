"""Paging by page number without losing rows that move while pages are read."""

from collections.abc import Sequence
from typing import Any, cast

import requests
from dlt.sources.helpers.rest_client.paginators import BasePaginator, PageNumberPaginator

from connectors_dagster.errors import TransientApiError
from connectors_dagster.http.response import JsonResponse

MAX_STEPS_BACK = 100
MAX_PAGES_WITHOUT_ROWS = 1_000


class RereadPages(BasePaginator):
    """dlt's page number paginator, which reads each page again after the next one.

    When a row before the current page disappears, all following rows move up, and the first of them move to a page
    that was already read. So after each page the previous one is read again: rows that moved there are found. If
    it has no row in common with what was read before, the page before it is read again too. The cost is that each page
    is read twice.

    An empty page is the end if the page before it was short too, or if the next page is also empty; while a total or
    `has_more_path` says that there is more, it is not the end.

    Args:
        pages: dlt's paginator; its `total_path` or `has_more_path`, if set, determines the end.
        label: names the sequence in errors.

    After each page, `fresh` contains the positions of rows that were not read before. `stepping` is true if the page
    was read again.
    """

    def __init__(self, pages: PageNumberPaginator, label: str) -> None:
        """Start before the first page."""
        super().__init__()
        self.pages, self.label = pages, label
        self.fresh: Sequence[int] = ()
        self.stepping = self._rereading = False
        self._signed = bool(pages.total_path or pages.has_more_path)
        # An empty page is judged here.
        pages.stop_after_empty_page = False
        self._known: dict[int, dict[bytes, Any]] = {}
        self._farthest = self._size = self._without_rows = self._steps_back = 0
        self._continues = True
        self._previous_was_short = False

    def init_request(self, request: requests.Request) -> None:
        """Request the first page."""
        self.pages.init_request(request)

    def update_request(self, request: requests.Request) -> None:
        """Request the next page, or an earlier one again."""
        self.pages.update_request(request)

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Record a page and determine which one to read next."""
        rows, number = data or [], self.pages.current_value
        keys = cast(JsonResponse, response).row_keys
        found = dict(zip(keys, rows, strict=True))
        known: dict[bytes, Any] = {}
        for page in self._known.values():
            known |= page
        self.fresh = [at for at, key in enumerate(keys) if known.get(key) != rows[at]]
        self.stepping = self._rereading
        if self.stepping:
            self._reread(number, found, known)
        else:
            self._read(response, number, rows)
        self._known = {page: kept for page, kept in self._known.items() if page >= self.pages.current_value - 1}
        self._known[number] = found

    def _read(self, response: requests.Response, number: int, rows: list[Any]) -> None:
        self._continues = self._has_more(response, rows)
        self._farthest, self._steps_back = number, 0
        first = number == self.pages.initial_value
        self._rereading = bool(not first and self._known.get(number - 1))
        self._has_next_page = self._rereading or self._continues
        self.pages.current_value = number - 1 if self._rereading else number + 1

    def _reread(self, number: int, found: dict[bytes, Any], known: dict[bytes, Any]) -> None:
        moved_on = known.keys().isdisjoint(found) and bool(known) and number > self.pages.initial_value
        self._steps_back += 1
        if moved_on and self._steps_back > MAX_STEPS_BACK:
            raise TransientApiError(
                f"{self.label}: rows are being deleted or moved faster than they can be read: sort by a field that "
                "does not change, or retry at a quieter time"
            )
        self._rereading, self._has_next_page = moved_on, moved_on or self._continues
        self.pages.current_value = number - 1 if moved_on else self._farthest + 1

    def _has_more(self, response: requests.Response, rows: list[Any]) -> bool:
        """Return whether there is another page, as dlt's paginator says or, without a sign of it, the rows."""
        number = self.pages.current_value
        self.pages._has_next_page = True
        self.pages.update_state(response, rows)
        has_next, self.pages.current_value = self.pages.has_next_page, number
        self._without_rows = 0 if rows else self._without_rows + 1
        short = len(rows) < self._size
        ended = not rows and (self._previous_was_short or self._without_rows > 1 or not self._size)
        self._previous_was_short, self._size = short, max(self._size, len(rows))
        if self._without_rows > MAX_PAGES_WITHOUT_ROWS:
            raise TransientApiError(f"{self.label}: {MAX_PAGES_WITHOUT_ROWS} pages in a row are empty")
        return has_next and (self._signed or not ended)
