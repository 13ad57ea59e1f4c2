"""Paging by expressions over the page before."""

from typing import Any, cast
from urllib.parse import urljoin

import requests
from dlt.sources.helpers.rest_client.paginators import (
    BaseNextUrlPaginator,
    BaseReferencePaginator,
    JSONResponseCursorPaginator,
)

from connectors_dagster.compat.dlt_internals import next_reference, set_next_reference
from connectors_dagster.http.response import JsonResponse
from connectors_dagster.rows.raw_json import RawRow, decode
from connectors_dagster.rows.row_changes import FilteredRow
from connectors_dagster.spec.next_page import NextPage


class ExpressionPaginator(BaseReferencePaginator):
    """Requests the next page with a value that an expression finds.

    Args:
        next_page: finds the value.
    """

    def __init__(self, next_page: NextPage) -> None:
        """Start before the first page."""
        super().__init__()
        self.next_page, self.rows_so_far = next_page, 0
        self.has_more_path = next_page.stop
        """Whether the connector says how the list ends; has the name that it has in dlt's paginators."""
        self._places_value = JSONResponseCursorPaginator(
            cursor_param=next_page.param, cursor_body_path=next_page.body_path
        )

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Find the value for the next page.

        Raises:
            ValueError: an expression fails, or the value is not a single one; in a JSON body it may be an object.
        """
        self.rows_so_far += len(data or ())
        value = find_next(self.next_page, cast(JsonResponse, response), data or [], self.rows_so_far)
        if isinstance(value, list | tuple | bool) or (isinstance(value, dict) and not self.next_page.body_path):
            raise ValueError(f"{self.next_page.value!r} is not a single value, got `{value}`")
        set_next_reference(self, value)

    def update_request(self, request: requests.Request) -> None:
        """Put the value where it belongs."""
        set_next_reference(self._places_value, next_reference(self))
        self._places_value.update_request(request)


class ExpressionLinkPaginator(BaseNextUrlPaginator):
    """Requests the next page at an address that an expression finds.

    Args:
        next_page: finds the address.
        base_url: what an address such as ``pages/2`` is relative to.
    """

    def __init__(self, next_page: NextPage, base_url: str) -> None:
        """Start before the first page."""
        super().__init__()
        self.base_url = f"{base_url.rstrip('/')}/"
        self.next_page, self.has_more_path, self.rows_so_far = next_page, next_page.stop, 0

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Find the address of the next page.

        Raises:
            ValueError: an expression fails, or the value is not text.
        """
        self.rows_so_far += len(data or ())
        url = find_next(self.next_page, cast(JsonResponse, response), data or [], self.rows_so_far)
        if url is not None and not isinstance(url, str):
            raise ValueError(f"{self.next_page.value!r} is not a URL, got `{url}`")
        relative = url is not None and not url.startswith("/")
        set_next_reference(self, urljoin(self.base_url, url) if relative else url)


def build_paginator(next_page: NextPage, base_url: str) -> BaseReferencePaginator:
    """Return the paginator that finds the next page so."""
    return ExpressionLinkPaginator(next_page, base_url) if next_page.is_url else ExpressionPaginator(next_page)


def find_next(next_page: NextPage, response: JsonResponse, rows: list[RawRow], rows_so_far: int) -> Any:
    """Return what names the next page; None if there is none. `rows_so_far` includes the rows of this page."""
    if response.ends_pages:
        return None
    kept = [row for row in rows if not isinstance(row, FilteredRow)]
    return next_page.find(
        {
            "response": response.parsed_whole(),
            "headers": {**response.headers, "link": response.links},
            "last_record": {name: decode(value) for name, value in kept[-1].items()} if kept else None,
            "last_page_size": len(kept),
            "page_rows": len(rows),
            "rows_so_far": rows_so_far,
        }
    )
