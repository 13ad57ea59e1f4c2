"""Paginators that dlt lacks: two lose no rows if rows disappear during reading, one finds its cursor in a row."""

from collections.abc import Mapping, Sequence
from typing import Any, Self, cast

import msgspec
import requests
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
)

from connectors_dagster.errors import TransientApiError
from connectors_dagster.http.link_header import parse_links
from connectors_dagster.http.response import JsonResponse
from connectors_dagster.http.total import Total
from connectors_dagster.rows.raw_json import decode

MAX_STEPS_BACK = 100


class AnchoredOffset(BasePaginator):
    """dlt's offset paginator, with pages that overlap by one row, the anchor.

    When a row before the current offset disappears, all following rows move up, and the next page by offset starts
    too late. So every page after the first starts at the last row of the previous page. If a page contains no row of
    the previous page, rows have disappeared: the page is discarded, and the paginator goes back page by page until
    they overlap. If the API's order is stable, such as ascending ids, no row that exists from the first request
    to the last is missed. The cost is one extra row per page.

    A short page is the end if a total says so, if `short_page_is_end` is set, or if the next request returns nothing
    new: the API may limit the page size, or filter rows after it cut the page. While a total or `has_more_path` says
    that there is more, a page without new rows is not the end either.

    Args:
        offset: dlt's paginator; its `total_path` or `has_more_path`, if set, determines the end.
        total: reads the number of rows from a response.
        label: names the sequence in errors.
        fixed_page_size: the API determines the page size, and no size is requested.
        short_page_is_end: a page shorter than requested is the end for this API.

    After each page, `fresh` contains the positions of rows that were not read before. `stepping` is true if the page
    was requested while going back, or if it caused the paginator to go back.
    """

    def __init__(
        self,
        offset: OffsetPaginator,
        total: Total,
        label: str,
        *,
        fixed_page_size: bool = False,
        short_page_is_end: bool = False,
    ) -> None:
        """Start before the first page."""
        super().__init__()
        self.offset, self.total, self.label, self.fixed_page_size = offset, total, label, fixed_page_size
        self.short_page_is_end = short_page_is_end
        self._signed = bool(offset.total_path or offset.has_more_path)
        offset.stop_after_empty_page = not self._signed
        self.fresh: Sequence[int] = ()
        self.stepping = False
        self._known: dict[bytes, Any] = {}
        self._size = 0
        self._steps_back = 0
        self._farthest = 0

    def init_request(self, request: requests.Request) -> None:
        """Request the first page."""
        self.offset.init_request(request)
        self._omit_size(request)

    def update_request(self, request: requests.Request) -> None:
        """Request the page at the new offset."""
        self.offset.update_request(request)
        self._omit_size(request)

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Record a page and determine where the next one starts."""
        rows, start = data or [], self.offset.current_value
        keys = cast(JsonResponse, response).row_keys
        found = dict(zip(keys, rows, strict=True))
        if not self._overlaps(found, start):
            self._step_back(start)
            return
        end = start + len(rows)
        self.stepping = self._steps_back > 0
        self.fresh = [at for at, key in enumerate(keys) if self._known.get(key) != rows[at]]
        if end > self._farthest:
            self._farthest, self._steps_back = end, 0
        self._has_next_page = self._continues(response, rows, end)
        self._size = max(self._size, len(rows))
        self._known = found
        # A page of one row would be all anchor, so the next page starts after it.
        self.offset.current_value = end - (self._size > 1)
        if not self.fresh and not self.stepping:
            # The API has filtered the page: the next one starts a whole page later, without an anchor.
            self._known, self.offset.current_value = {}, start + self.offset.value_step

    def _omit_size(self, request: requests.Request) -> None:
        if self.fixed_page_size:
            request.params.pop(self.offset.limit_param)

    def _overlaps(self, found: Mapping[bytes, Any], start: int) -> bool:
        if start == self.offset.initial_value or self._size == 1:
            return True
        return not self._known or not self._known.keys().isdisjoint(found)

    def _step_back(self, start: int) -> None:
        self._steps_back += 1
        if self._steps_back > MAX_STEPS_BACK:
            raise TransientApiError(
                f"{self.label}: rows are being deleted or moved faster than they can be read: sort by a field that "
                "does not change, or retry at a quieter time"
            )
        self.fresh, self.stepping, self._has_next_page = (), True, True
        self.offset.current_value = max(self.offset.initial_value, start - self._size + 1)

    def _continues(self, response: requests.Response, rows: list[Any], end: int) -> bool:
        full = len(rows) >= (self.offset.value_step if self.fixed_page_size else self._size or self.offset.value_step)
        # dlt adds a whole page to the offset before it compares it with the total.
        self.offset.current_value = end - self.offset.value_step
        self.offset.update_state(response, rows if full else [rows[at] for at in self.fresh])
        if not self.offset.has_next_page or full or self._signed:
            return self.offset.has_next_page
        total = self.total.guess(response)
        return not self.short_page_is_end if total is None else total > end

    def __str__(self) -> str:
        return f"anchored {self.offset}"


class Links(HeaderLinkPaginator):
    """dlt's paginator for Link headers, with the header read as RFC 8288 defines it."""

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:  # noqa: ARG002
        """Find the link to the next page."""
        self._next_reference = self.link(response, self.links_next_key)

    @staticmethod
    def link(response: requests.Response, relation: str) -> str | None:
        """Return the target of a relation, if the response has one."""
        return parse_links(response.headers.get("Link", "")).get(relation.lower()) or None


class CountedLinks(Links):
    """dlt's paginator for Link headers, for an API that reports the total number of rows.

    When a row before the current page disappears, all following rows move up, and some land on a page that was
    already read. The total falls by their number, and that many rows before the current page are read again by
    following the links to previous pages. If another row appears at the same time, the total does not reveal the one
    that disappeared; but a window that has ended gets no new rows.

    Args:
        links: dlt's paginator; names the link to the next page.
        total: reads the number of rows from a response.
        label: names the sequence in errors.

    After each page, `stepping` is true if the page was read before, or if an earlier page is read next.
    """

    def __init__(self, links: HeaderLinkPaginator, total: Total, label: str) -> None:
        """Start before the first page."""
        super().__init__(links.links_next_key)
        self.total, self.label = total, label
        self.stepping = False
        self._total = self._size = self._behind = self._steps_back = self._place = 0
        self._farthest = -1

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Record a page and choose the link to follow."""
        if (total := self.total.read(response)) is not None:
            self._behind += max(0, self._total - total)
            self._total = total
        self._size = max(self._size, len(data or ()))
        self.stepping = self._place <= self._farthest
        if not self.stepping:
            self._farthest, self._steps_back = self._place, 0
        if self._behind > 0 and self._place > 0 and self._total:
            self._step_back(response)
            return
        self._behind, self._place = 0, self._place + 1
        super().update_state(response, data)

    def _step_back(self, response: requests.Response) -> None:
        self._steps_back += 1
        previous = self.link(response, "prev")
        if self._steps_back > MAX_STEPS_BACK or previous is None:
            raise TransientApiError(
                f"{self.label}: rows are being deleted faster than they can be read; retry at a quieter time"
            )
        # From a page after the end, the link leads to the current last page.
        place = min(self._place - 1, (self._total - 1) // self._size)
        self._behind -= (self._place - place) * self._size
        self._place, self.stepping = place, True
        self._next_reference = previous


class CursorInRow(JSONResponseCursorPaginator):
    """dlt's cursor paginator, with a cursor that may be a field of a row, such as ``data[-1].id``.

    Fields of rows are JSON text here; a cursor is parsed before it goes into the next request.
    """

    @classmethod
    def like(cls, other: JSONResponseCursorPaginator) -> Self:
        """Copy the configuration of another paginator."""
        return cls(
            other.cursor_path,
            other.cursor_param,
            other.cursor_body_path,
            stop_after_empty_page=other.stop_after_empty_page,
            has_more_path=other.has_more_path,
        )

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Find the cursor as dlt does and parse it."""
        super().update_state(response, data)
        has_next = self._has_next_page
        if isinstance(self._next_reference, msgspec.Raw):
            self._next_reference = decode(self._next_reference)
        self._has_next_page = has_next and not is_end(self._next_reference)


class LinkInBody(JSONLinkPaginator):
    """dlt's paginator for a next URL in the body, for APIs that end with empty text, false or an empty object."""

    @classmethod
    def like(cls, other: JSONLinkPaginator) -> Self:
        """Take over the configuration of another paginator."""
        return cls(other.next_url_path)

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Find the URL as dlt does."""
        super().update_state(response, data)
        if is_end(self._next_reference):
            self._next_reference = None


def is_end(reference: Any) -> bool:
    """Return whether a cursor or URL is one of the values with which APIs say that there is no next page."""
    return reference in (None, "", "null", False, {}, [])
