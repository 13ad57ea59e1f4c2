"""The billing dialect: a bearer token and an opaque cursor that is sent even with the last page."""

import base64
import binascii
from bisect import bisect_right
from operator import itemgetter
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from starlette.datastructures import QueryParams

from connectors_dagster.sandbox.dialects.auth import bearer
from connectors_dagster.sandbox.dialects.dialect import Dialect, Listing, Page, RequestError
from connectors_dagster.sandbox.dialects.parameters import PageSize
from connectors_dagster.sandbox.settings import CREDENTIALS

_SIZE = PageSize(parameter="limit", default=50, maximum=200)
_CODES = {400: "bad_request", 401: "authentication_failed", 404: "not_found"}
_ID = itemgetter("id")


def _page(listing: Listing) -> Page:
    last_seen = _read_cursor(listing.query, listing.resource)
    rows = listing.memory.recall(
        "by id", listing.rows, first_page=not last_seen, search=lambda: sorted(listing.rows, key=_ID)
    )
    start = bisect_right(rows, last_seen, key=_ID)
    shown = rows[start : start + _SIZE.read(listing.query)]
    # Every page has a `next`, even the last: a caller has to check `has_more`.
    cursor = _write_cursor(listing.resource, _ID(shown[-1]) if shown else last_seen)
    return Page({"data": shown, "next": cursor, "has_more": start + len(shown) < len(rows)})


def _write_cursor(resource: str, last_seen: str) -> str:
    return base64.urlsafe_b64encode(f"{resource}>{last_seen}".encode()).decode()


def _read_cursor(query: QueryParams, resource: str) -> str:
    """Return the id after which the page starts, or an empty string for the first page."""
    cursor = query.get("next")
    if cursor is None:
        return ""
    try:
        belongs_to, arrow, last_seen = base64.urlsafe_b64decode(cursor).decode().partition(">")
    except (binascii.Error, ValueError):
        raise RequestError(400, "next is not a cursor of this list") from None
    if not arrow or belongs_to != resource:
        raise RequestError(400, "next is not a cursor of this list")
    return last_seen


def _error(problem: RequestError) -> dict[str, Any]:
    error = {"type": "request_error", "code": _CODES[problem.status], "detail": problem.message}
    # Derived from the message instead of random: the same request gets the same bytes.
    return {"error": error, "meta": {"request_id": str(uuid5(NAMESPACE_URL, problem.message))}}


DIALECT = Dialect(admits=bearer(CREDENTIALS["billing"]["api_key"]), page=_page, error=_error)
