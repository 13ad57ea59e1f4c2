"""Paging that dlt lacks: by offset, without losing rows when others vanish, and by a field of the last row."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import msgspec
import requests
from dlt.sources.helpers.rest_client.paginators import BasePaginator, JSONResponseCursorPaginator, OffsetPaginator

from connectors_dagster.errors import TransientApiError
from connectors_dagster.rows.raw_json import decode

TOTALS = ("X-WP-Total", "X-Total-Count", "X-Total")
MOST_STEPS_BACK = 100
Identity = Callable[[Any], bytes]


class AnchoredOffset(BasePaginator):
    """dlt's offset paginator with pages that overlap by one row, the anchor.

    When a row before the place that was read up to vanishes, all that follow move up, and the next page by
    offset begins too late. So every following page is asked for from the last row of the page before. Is none
    of that page's rows on it, rows have vanished: it is not used, and the paginator steps back, page by page,
    until it finds one. In an order that stays, such as ascending ids, no row that was there from the first
    request to the last is missed. The price is one row a page.

    A page that is shorter than asked for is the last. The first page may be short because the API gives out
    smaller pages; a total in its headers tells, and without one the paginator asks once more.

    Args:
        offset: does the paging; its `total_path` or `has_more_path`, where it has one, says where the end is.
        identity: tells rows apart.
        label: names the sequence in errors.
        fixed: pages have the size the API gives them: none is asked for, and the first may be the short one.

    After each page, `fresh` are the rows not read before and `stepping` tells that the page was asked for
    while stepping back, or is the reason to.
    """

    def __init__(self, offset: OffsetPaginator, identity: Identity, label: str, *, fixed: bool = False) -> None:
        """Start before the first page."""
        super().__init__()
        self.offset, self.identity, self.label, self.fixed = offset, identity, label, fixed
        self.fresh: list[Any] = []
        self.stepping = False
        self._known: dict[bytes, Any] = {}
        self._size = 0
        self._steps_back = 0
        self._farthest = 0

    def init_request(self, request: requests.Request) -> None:
        """Ask for the first page."""
        self.offset.init_request(request)
        self._leave_size_out(request)

    def update_request(self, request: requests.Request) -> None:
        """Ask for the page at the new offset."""
        self.offset.update_request(request)
        self._leave_size_out(request)

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Take note of a page and find out where the next one begins."""
        rows, start = data or [], self.offset.current_value
        found = {self.identity(row): row for row in rows}
        if not self._attached(found, start):
            self._step_back(start)
            return
        end = start + len(rows)
        self.stepping = self._steps_back > 0
        again = [row for key, row in found.items() if self._known.get(key) == row]
        self.fresh = [row for row in rows if row not in again] if again else rows
        if end > self._farthest:
            self._farthest, self._steps_back = end, 0
        self._has_next_page = self._goes_on(response, rows, end)
        self._size = max(self._size, len(rows))
        self._known = found
        # A page of one row is all anchor: the next begins behind it.
        self.offset.current_value = end - (self._size > 1)

    def _leave_size_out(self, request: requests.Request) -> None:
        if self.fixed:
            request.params.pop(self.offset.limit_param)

    def _attached(self, found: Mapping[bytes, Any], start: int) -> bool:
        if start == self.offset.initial_value or self._size == 1:
            return True
        return not self._known.keys().isdisjoint(found)

    def _step_back(self, start: int) -> None:
        self._steps_back += 1
        if self._steps_back > MOST_STEPS_BACK:
            raise TransientApiError(
                f"{self.label}: rows vanish or move faster than they are read: have the API sort by something "
                "that does not change, or read when it is quiet"
            )
        self.fresh, self.stepping, self._has_next_page = [], True, True
        self.offset.current_value = max(self.offset.initial_value, start - self._size + 1)

    def _goes_on(self, response: requests.Response, rows: list[Any], end: int) -> bool:
        full = len(rows) >= (self.offset.value_step if self.fixed else self._size or self.offset.value_step)
        # dlt adds a whole page to the offset before it looks at the total.
        self.offset.current_value = end - self.offset.value_step
        self.offset.update_state(response, rows if full else self.fresh)
        if not self.offset.has_next_page or full or self.offset.total_path or self.offset.has_more_path:
            return self.offset.has_next_page
        total = _total(response)
        return not self._size and not self.fixed and (total is None or total > end)

    def __str__(self) -> str:
        return f"anchored {self.offset}"


class CursorInRow(JSONResponseCursorPaginator):
    """dlt's cursor paginator where the cursor may be a field of a row, such as ``data[-1].id``.

    Fields of rows are JSON text here; a cursor goes into the next request as the value it stands for.
    """

    @classmethod
    def like(cls, other: JSONResponseCursorPaginator) -> Self:
        """Take over what another paginator was told."""
        return cls(
            other.cursor_path,
            other.cursor_param,
            other.cursor_body_path,
            stop_after_empty_page=other.stop_after_empty_page,
            has_more_path=other.has_more_path,
        )

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Find the cursor as dlt does and read it."""
        super().update_state(response, data)
        if isinstance(self._next_reference, msgspec.Raw):
            has_next = self._has_next_page
            self._next_reference = decode(self._next_reference)
            self._has_next_page = has_next and self._next_reference is not None


def _total(response: requests.Response) -> int | None:
    text = next((response.headers[name] for name in TOTALS if name in response.headers), "")
    return int(text) if text.isdecimal() else None
