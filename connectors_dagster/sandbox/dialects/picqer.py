"""The Picqer dialect: bare lists, always a hundred rows per page, and callers must name a contact."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from connectors_dagster.sandbox.dialects.auth import basic
from connectors_dagster.sandbox.dialects.dialect import Dialect, Listing, Page, RequestError
from connectors_dagster.sandbox.dialects.parameters import whole_number
from connectors_dagster.sandbox.settings import CREDENTIALS

_SIZE = 100
_CODES = {400: 11, 401: 2, 404: 20}
_UPDATED: Mapping[str, str] = {"purchaseorders": "updated", "receipts": "updated", "returns": "updated_at"}
_CHANGED = ("stock_history", "location_stock_history")


def _page(listing: Listing) -> Page:
    start = whole_number(listing.query, "offset", default=0)
    rows, after = listing.rows, listing.query.get("updated_after", "")
    if after and listing.resource in _UPDATED:
        # Both have the same format, from year to second, so comparing text compares times.
        rows = [row for row in rows if row[_UPDATED[listing.resource]] > after]
    if listing.resource in _CHANGED:
        since, until = listing.query.get("sincedate", ""), listing.query.get("untildate", "~")
        rows = [row for row in rows if since < row["changed_at"] < until]
    if listing.resource == "products":
        active = listing.query.get("inactive") != "true"
        rows = [row for row in rows if row.get("active", True) is active]
    if listing.resource == "picklists" and "status" in listing.query:
        rows = [row for row in rows if row["status"] == listing.query["status"]]
    return Page(rows[start : start + _SIZE])


def _admits(request: Request) -> bool:
    if "@" not in request.headers.get("user-agent", ""):
        raise RequestError(400, "User-Agent must name the program and how to reach you")
    # The password is ignored.
    return basic(CREDENTIALS["picqer"]["api_key"], "")(request)


def _error(problem: RequestError) -> dict[str, Any]:
    return {"error": True, "error_code": _CODES[problem.status], "error_message": problem.message}


DIALECT = Dialect(admits=_admits, page=_page, error=_error)
