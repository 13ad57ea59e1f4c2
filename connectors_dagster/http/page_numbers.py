"""Paging by page number without losing rows that move while pages are read."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import requests
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator

from connectors_dagster.compat.dlt_internals import find_values, set_has_next
from connectors_dagster.http.first_number import omit_first_number
from connectors_dagster.http.rereading import RereadingPaginator
from connectors_dagster.http.response import JsonResponse
from connectors_dagster.http.total import Total, read_number
from connectors_dagster.spec.page_size import sets_page_size


class RereadPageNumberPaginator(RereadingPaginator):
    """dlt's page number paginator, which reads each page again after the next one.

    When a row before the current page disappears, all following rows move up, and some of them move to a page that
    was already read. So after each page, the previous one is read again. If it has changed, rows have moved and the
    list is unsettled. The cost is that each page but the last is read twice.

    If only `total_path` says that a full page is the last, another request confirms it. A number of pages that rows
    have passed is none, and is not used any more.

    Without `total_path` or `has_more_path`, an empty page is the end if the page before it was short, or empty too. A
    total that the API reports in another place says whether there is more. If later pages lack what `total_path`
    names, that of the first page counts. While anything says that there is more,
    neither a short nor an empty page is the end.

    Args:
        pages: dlt's paginator; its `total_path` or `has_more_path`, if set, determines the end.
        total: reads the number of rows from a response.
        omit_first: the first page is requested without its number. If the next one is that page again, it is the
            number of the first page, and pages are counted from it.
        short_page_is_end: a page shorter than requested is the end for this API.
        stable: rows do not move, and no page is read twice.
    """

    def __init__(
        self,
        pages: PageNumberPaginator,
        total: Total,
        *,
        omit_first: bool = False,
        short_page_is_end: bool = False,
        stable: bool = False,
    ) -> None:
        """Start before the first page."""
        super().__init__()
        self.max_repeats = 0 if stable else 10
        self.pages, self.total, self.short_page_is_end, self.stable = pages, total, short_page_is_end, stable
        self.omit_first, self._first_is_known = omit_first, False
        self._has_end_path = bool(pages.total_path or pages.has_more_path)
        self._ends_when_empty = bool(pages.stop_after_empty_page)
        pages.stop_after_empty_page = False  # an empty page is judged here
        self._has_previous = False
        self._previous: dict[bytes, Any] = {}
        self._current: dict[bytes, Any] = {}
        self._previous_keys: list[bytes] = []
        self._current_keys: list[bytes] = []
        self._requested = self._size = 0
        self._doubtful = False
        self._told: int | None = None
        self._was_short = self._follows_short = self._rereading = self._more = self._reached = False

    def init_request(self, request: requests.Request) -> None:
        """Request the first page."""
        self._requested = _page_size(request)
        self.pages.init_request(request)
        self._omit_number(request)

    def update_request(self, request: requests.Request) -> None:
        """Request the next page, or the previous one again."""
        self.pages.update_request(request)
        self._omit_number(request)

    def _omit_number(self, request: requests.Request) -> None:
        if self.omit_first:
            omit_first_number(request, self.pages)

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Record a page and determine which one to read next."""
        rows, number = data or [], self.pages.current_value
        keys = cast(JsonResponse, response).row_keys
        if self._doubtful and not self._rereading and list(keys) == self._current_keys:
            # The API answers a number beyond the end with the last page.
            self.new_positions, self.is_reread, self.moved = (), True, False
            self.confirming = False
            set_has_next(self, False)
            return
        if self._is_first_again(keys, number):
            self.new_positions, self.is_reread, self.moved = (), True, False
            self.pages.initial_value, self.pages.current_value = number, number + 1
            self._first_is_known = True
            return
        self.new_positions = [
            at for at, key in enumerate(keys) if rows[at] not in (self._previous.get(key), self._current.get(key))
        ]
        self.is_reread, self.moved = self._rereading, False
        if self.is_reread:
            self.moved = list(keys) != self._previous_keys
            self.unsettled = self.unsettled or self.moved
            self.stuck = bool(keys) and not self.moved and self._current_keys == self._previous_keys
            self._rereading, self.pages.current_value = False, number + 2
        else:
            self._previous, self._current = self._current, dict(zip(keys, rows, strict=True))
            self._previous_keys, self._current_keys = self._current_keys, list(keys)
            self._more = self._has_more(response, rows, number)
            # Pages may be as long as requested: the API may have filtered all of them.
            self._reached = self._reaches(self.total.guess(response), number, size=max(self._size, self._requested))
            # Even an empty page is read again: a row may have moved there, or the API may have failed to fill it.
            self._rereading = self._has_previous and (self._more or bool(self._previous)) and not self.stable
            self._has_previous = True
            self.pages.current_value = number + (-1 if self._rereading else 1)
        set_has_next(self, self._rereading or self._more)
        ends = self._doubtful or ((self._was_short or self._reached) and not self._has_end_path)
        self.confirming = ends and not self._rereading

    def _is_first_again(self, keys: Sequence[bytes], number: int) -> bool:
        """Return whether a page is the first one, which was requested without its number, under its number."""
        may_be = self.omit_first and not self._first_is_known and not self._rereading
        follows_first = may_be and number == self.pages.initial_value + 1
        return follows_first and bool(keys) and list(keys) == self._current_keys

    def _has_more(self, response: requests.Response, rows: list[Any], number: int) -> bool:
        """Return whether there is another page: the API says so, or nothing has confirmed the end yet."""
        self._follows_short = self._was_short
        self._was_short = not rows or len(rows) < (self._size or self._requested)
        self._size = max(self._size, len(rows))
        told = next(iter(find_values(self.pages.total_path, response.json())), None) if self.pages.total_path else None
        if self._told is not None and told is None:
            return number - self.pages.initial_value + 1 < self._told
        if cast(JsonResponse, response).ends_pages:
            return False
        self._told = read_number(told)
        read = number - self.pages.initial_value + 1
        if self._told is not None and rows and read > self._told:
            self.pages.total_path, self._told, self._has_end_path = None, None, bool(self.pages.has_more_path)
            set_has_next(self.pages, True)
        self.pages.update_state(response)
        self._doubtful = self._is_doubtful(response, rows, read)
        if self._doubtful:
            return True
        if self._has_end_path or not self.pages.has_next_page or not self._ends_when_empty:
            return self.pages.has_next_page
        # After a full page, only a declared total is the end: in a common header, another number may be meant.
        full = rows and not self._was_short
        total = self.total.read(response) if full else self.total.guess(response)
        if total is not None:
            return not self._reaches(total, number, size=self._size)
        if rows:
            return not (self._was_short and self.short_page_is_end)
        return not self._follows_short and not self.short_page_is_end

    def _is_doubtful(self, response: requests.Response, rows: list[Any], read: int) -> bool:
        """Return whether only the declared number of pages says that a full page is the last, after so many were read.

        It may be the number of this page or of its rows, or be counted from 0.
        """
        full = bool(rows) and not self._was_short
        total = self.total.guess(response)
        confirmed = total is not None and self._reaches(total, read + self.pages.initial_value - 1, size=self._size)
        return full and self._told is not None and self._told <= read and not confirmed

    def _reaches(self, total: int | None, number: int, *, size: int) -> bool:
        """Return whether the rows up to a page are as many as the total; before any rows, pages may have one each."""
        return total is not None and total <= (number - self.pages.initial_value + 1) * (size or 1)

    def __str__(self) -> str:
        return f"reread {self.pages}"


def _page_size(request: requests.Request) -> int:
    """Return the page size that a request asks for, if it has a parameter that says so.

    Of several such parameters, one may mean something else. With the smallest, no page is taken for short that is not.
    """
    params = request.params if isinstance(request.params, Mapping) else {}
    values = (str(params[name]) for name in params if sets_page_size(str(name)))
    return min((int(value) for value in values if value.isdecimal()), default=0)
