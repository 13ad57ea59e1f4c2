"""Paging by offset without losing rows that move while pages are read."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import requests
from dlt.sources.helpers.rest_client.paginators import OffsetPaginator

from connectors_dagster.compat.dlt_internals import set_has_next
from connectors_dagster.http import rereading
from connectors_dagster.http.first_number import omit_first_number
from connectors_dagster.http.response import JsonResponse
from connectors_dagster.http.total import Total


class AnchoredOffsetPaginator(rereading.RereadingPaginator):
    """dlt's offset paginator, with pages that overlap by one row, the anchor.

    When a row before the current offset disappears, all following rows move up, and the next page by offset starts
    too late. So every page after the first starts at the last row of the previous page. If a page contains no row of
    the previous page, rows have disappeared: the page is discarded, and the paginator goes back page by page until
    they overlap. If the anchor is on the page but not its first row, rows have appeared or moved up from pages that
    were not read yet: then the list is unsettled. The cost is one extra row per page. There is no anchor after an empty
    page and with pages of one row: then rows that move are not noticed.

    A short page is the end if a total says so, if `short_page_is_end` is set, or if the next request returns nothing
    new: the API may limit the page size, or filter rows after it cut the page. A page without new rows after a full
    page is confirmed by another request. While a total or `has_more_path` says that there is more, neither is the end.
    A total that full pages have passed is not one, and is not used any more: some APIs count only up to a limit, or
    count the rows that remain. If later pages have no total, that of the first counts.

    Args:
        offset: dlt's paginator; its `total_path` or `has_more_path`, if set, determines the end.
        total: reads the number of rows from a response.
        label: names the sequence in errors.
        fixed_page_size: the API determines the page size, and no size is requested.
        omit_first: the first page is requested without an offset.
        short_page_is_end: a page shorter than requested is the end for this API.
        stable: rows never move, so that pages need not overlap.
    """

    max_repeats = 3

    def __init__(
        self,
        offset: OffsetPaginator,
        total: Total,
        label: str,
        *,
        fixed_page_size: bool = False,
        omit_first: bool = False,
        short_page_is_end: bool = False,
        stable: bool = False,
    ) -> None:
        """Start before the first page."""
        super().__init__()
        self.offset, self.total, self.label, self.fixed_page_size = offset, total, label, fixed_page_size
        self.omit_first = omit_first
        self.short_page_is_end, self.stable = short_page_is_end, stable
        self._has_end_path = bool(offset.total_path or offset.has_more_path)
        offset.stop_after_empty_page = False  # an empty page is judged here
        self._known: dict[bytes, Any] = {}
        self._anchor: bytes | None = None
        self._size = self._steps_back = self._farthest = 0
        self._was_short, self._lengths = False, set[int]()
        self._guessed_size = self._doubtful = False
        self._told: int | None = None
        # An API that filters pages after it cut them has no positions by which rows could be seen to move.
        self._all_full = True

    def init_request(self, request: requests.Request) -> None:
        """Request the first page."""
        self.offset.init_request(request)
        self._omit(request)

    def update_request(self, request: requests.Request) -> None:
        """Request the page at the new offset."""
        self.offset.update_request(request)
        self._omit(request)

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Record a page and determine where the next one starts."""
        rows, start = data or [], self.offset.current_value
        keys = cast(JsonResponse, response).row_keys
        found = dict(zip(keys, rows, strict=True))
        if self._anchor is None and start != self.offset.initial_value:
            self.notices = "nothing"
        if not self._overlaps(found, start):
            self._step_back(start)
            return
        if self._guessed_size and rows:
            self._guessed_size = False
            if len(rows) < self.offset.value_step:
                self._start_again(rows)
                return
        self.is_reread = self.moved = self._steps_back > 0
        if self._anchor and self._all_full and not self.is_reread and keys[0] != self._anchor:
            self.moved = self.unsettled = True
        self.new_positions = [at for at, key in enumerate(keys) if self._known.get(key) != rows[at]]
        if start + len(rows) > self._farthest:
            self._farthest, self._steps_back = start + len(rows), 0
        full = len(rows) >= (self.offset.value_step if self.fixed_page_size else self._size or self.offset.value_step)
        set_has_next(self, self._continues(response, start, len(rows), full=full))
        self._size = max(self._size, len(rows))
        self._note_length(len(rows))
        self._was_short, self._all_full = not full, self._all_full and full
        self._place_next(found, keys, start, full=full)
        total = self.total.guess(response)
        self.end_is_reported = self._has_end_path or total is not None
        self.confirming = self._is_total(total, self.offset.current_value + bool(self._anchor)) or not (
            full or self._has_end_path
        )

    def _place_next(self, found: dict[bytes, Any], keys: Sequence[bytes], start: int, *, full: bool) -> None:
        """Set the offset of the next page, after one with the rows `found`, which have these keys in order."""
        self._known, self._anchor = {}, None
        if not self.new_positions and not full:
            # The API has filtered the page: the next one starts a whole page later, without an anchor.
            self._guessed_size = self._guessed_size or not self._size
            self.offset.current_value = start + (self._size or self.offset.value_step)
        elif len(keys) == 1:  # a page of one row would be all anchor, so that rows which move are not noticed
            self.unsettled = self.unsettled or (self._size == 1 and start != self.offset.initial_value)
            self.offset.current_value = start + 1
        elif self.stable:
            self.offset.current_value = start + len(keys)
        else:
            self._known, self._anchor, self.offset.current_value = found, keys[-1], start + len(keys) - 1

    def _note_length(self, length: int) -> None:
        """Be patient with an API that filters pages: the same few rows may be left of as many pages as a page is long.

        An API that ignores the offset always returns the same number of rows.
        """
        self._lengths.add(length)
        if len(self._lengths) > 1:
            self.max_repeats = max(AnchoredOffsetPaginator.max_repeats, self.offset.value_step)

    def _omit(self, request: requests.Request) -> None:
        if self.fixed_page_size:
            request.params.pop(self.offset.limit_param, None)
        if self.omit_first:
            omit_first_number(request, self.offset)

    def _overlaps(self, found: Mapping[bytes, Any], start: int) -> bool:
        return start == self.offset.initial_value or not self._known or not self._known.keys().isdisjoint(found)

    def _start_again(self, rows: list[Any]) -> None:
        """Go back to the start: the API may limit the page size, and then rows were skipped after empty pages."""
        self._size, self._was_short, self.new_positions = len(rows), False, range(len(rows))
        self.is_reread, self.moved, self.confirming = True, False, False
        set_has_next(self, True)
        self.offset.current_value = self.offset.initial_value

    def _step_back(self, start: int) -> None:
        self._steps_back += 1
        if self._steps_back > rereading.MAX_STEPS_BACK:
            raise rereading.moves_too_fast(
                self.label, "; if the API only accepts multiples of the page size as offset, set pages_are_stable"
            )
        self.new_positions, self.is_reread, self.moved = (), True, True
        self.confirming = False
        set_has_next(self, True)
        self.offset.current_value = max(self.offset.initial_value, start - self._size + 1)

    def _continues(self, response: requests.Response, start: int, rows: int, *, full: bool) -> bool:
        """Return whether there is another page: the API says so, or nothing has confirmed the end yet."""
        end = start + rows
        if cast(JsonResponse, response).ends_pages:
            return False
        told = self._read_total(response, end, full=full)
        if self.offset.total_path and told is None and self._told is not None:
            return end < self._told
        self._told = told
        # dlt adds a whole page to the offset before it compares it with the total.
        self.offset.current_value = end - self.offset.value_step
        self.offset.update_state(response)
        # What is declared as the total may be the number of rows on each page.
        self._doubtful = (start == self.offset.initial_value or self._doubtful) and full and bool(self.new_positions)
        self._doubtful = self._doubtful and self.total.header is None and told == rows
        if self._doubtful:
            return True
        if self._has_end_path or not self.offset.has_next_page:
            return self.offset.has_next_page
        if full:
            return not self._is_total(told, end)
        total = self.total.guess(response)
        if total is not None:
            return total > end
        # Only the anchor, or no row at all, confirms that the short page before was the last.
        confirmed = end <= start + 1 and self._was_short
        return not (confirmed and not self.new_positions) and not self.short_page_is_end

    def _read_total(self, response: requests.Response, end: int, *, full: bool) -> int | None:
        """Return the total if there is one; from the first on that full pages have passed, there is none."""
        total = self.total.read(response)
        if total is None or not full or end <= total:
            return total
        self.total, self.offset.total_path = Total(), None
        self._has_end_path = bool(self.offset.has_more_path)
        set_has_next(self.offset, True)
        return None

    def _is_total(self, total: int | None, end: int) -> bool:
        return total is not None and total <= end

    def __str__(self) -> str:
        return f"anchored {self.offset}"
