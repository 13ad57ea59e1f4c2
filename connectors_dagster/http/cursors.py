"""Paging by cursors, in the body or in a header."""

from typing import Any, Self, cast

import msgspec
import requests
from dlt.sources.helpers.rest_client.paginators import HeaderCursorPaginator, JSONResponseCursorPaginator

from connectors_dagster.compat.dlt_internals import find_values, next_reference, set_has_next, set_next_reference
from connectors_dagster.http.envelope import show_body
from connectors_dagster.http.response import JsonResponse
from connectors_dagster.rows.raw_json import decode


def is_end(reference: Any) -> bool:
    """Return whether a cursor or URL is one of the values with which APIs say that there is no next page."""
    return reference in (None, False, {}, []) or str(reference).strip().lower() in ("", "null", "none")


class BodyCursorPaginator(JSONResponseCursorPaginator):
    """dlt's cursor paginator, with a cursor that may be a field of a row, such as ``data[-1].id``.

    Fields of rows are JSON text here; a cursor is parsed before it goes into the next request.
    """

    @classmethod
    def like(cls, other: JSONResponseCursorPaginator) -> Self:
        """Copy the configuration of another paginator; with `has_more_path`, an empty page is not the end."""
        return cls(
            other.cursor_path,
            other.cursor_param,
            other.cursor_body_path,
            stop_after_empty_page=other.stop_after_empty_page and not other.has_more_path,
            has_more_path=other.has_more_path,
        )

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Find the cursor as dlt does and parse it.

        Raises:
            ValueError: it is an object, a list or a boolean, or the body does not say whether there are more rows.
        """
        if cast(JsonResponse, response).ends_pages:
            set_has_next(self, False)
            return
        if self.has_more_path and find_values(self.has_more_path, response.json()) in ([], [None]):
            raise ValueError(f"{str(self.has_more_path)!r} is missing; {show_body(response, has_rows=bool(data))}")
        super().update_state(response, data)
        has_next, cursor = self.has_next_page, next_reference(self)
        if isinstance(cursor, msgspec.Raw):
            # Any value of a row is a cursor, even 0.
            cursor = decode(cursor)
            set_next_reference(self, cursor)
            set_has_next(self, has_next and cursor is not None)
        else:
            set_has_next(self, has_next and not is_end(cursor))
        if self.has_next_page and isinstance(cursor, dict | list | bool):
            raise ValueError(f"'{self.cursor_path}' is not a single value, got `{cursor}`")


class CursorHeaderPaginator(HeaderCursorPaginator):
    """dlt's paginator for a cursor in a header, for APIs that end with an empty one."""

    @classmethod
    def like(cls, other: HeaderCursorPaginator) -> Self:
        """Copy the configuration of another paginator."""
        return cls(other.cursor_key, other.cursor_param)

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        """Find the cursor as dlt does."""
        super().update_state(response, data)
        if is_end(next_reference(self)):
            set_next_reference(self, None)
