"""The shopify dialect: a key in a header of its own, rows under their name, and links that carry only `page_info`."""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request

from connectors_dagster.sandbox.dialects.dialect import Dialect, Listing, Page, RequestError
from connectors_dagster.sandbox.dialects.parameters import PageSize
from connectors_dagster.sandbox.rows.draw import Row
from connectors_dagster.sandbox.settings import CREDENTIALS

_SIZE = PageSize(parameter="limit", default=50, maximum=250, refuses_more=True)
_FILTERED: Mapping[str, str] = {
    **dict.fromkeys(("orders", "products", "customers", "draft_orders", "abandoned_checkouts"), "updated_at"),
    **dict.fromkeys(("custom_collections", "smart_collections", "price_rules"), "updated_at"),
    "tender_transactions": "processed_at",
    "events": "created_at",
}
_ONE_PAGE = ("shop", "locations", "countries", "transactions")
_SHOWN: Mapping[str, Callable[[Row], str]] = {
    "orders": lambda row: "closed" if row["closed_at"] else "cancelled" if row["cancelled_at"] else "open",
    "draft_orders": lambda row: str(row["status"]),
    "abandoned_checkouts": lambda row: "closed" if row["closed_at"] else "open",
}
_BUCKET = {"X-Shopify-Shop-Api-Call-Limit": "1/40"}


def _page(listing: Listing) -> Page:
    name = "checkouts" if listing.resource == "abandoned_checkouts" else listing.resource
    if listing.resource == "shop":
        return Page({"shop": listing.rows[0]}, headers=_BUCKET)
    if listing.resource in _ONE_PAGE:
        return Page({name: listing.rows}, headers=_BUCKET)
    query, start = _place(listing.query)
    found = [row for row in listing.rows if _wanted(listing.resource, row, query)]
    stop = start + _SIZE.read(listing.query)
    headers = {"Link": _link(listing, query, stop)} if stop < len(found) else {}
    return Page({name: found[start:stop]}, headers={**_BUCKET, **headers})


def _place(query: QueryParams) -> tuple[Mapping[str, str], int]:
    """Return the parameters of the list and where the page begins; both are in `page_info`, if there is one."""
    if "page_info" not in query:
        return dict(query), 0
    if other := set(query) - {"page_info", "limit", "fields"}:
        raise RequestError(400, f"{min(other)} cannot be passed when page_info is present.")
    try:
        first, start = orjson.loads(base64.urlsafe_b64decode(query["page_info"]))
    except (binascii.Error, ValueError):
        raise RequestError(400, "Invalid value for page_info.") from None
    return first, start


def _link(listing: Listing, query: Mapping[str, str], stop: int) -> str:
    place = base64.urlsafe_b64encode(orjson.dumps([query, stop])).decode()
    size = _SIZE.read(listing.query)
    return f'<{listing.url.replace(query=f"limit={size}&page_info={place}")}>; rel="next"'


def _wanted(resource: str, row: Row, query: Mapping[str, str]) -> bool:
    if resource == "inventory_levels":
        if "location_ids" not in query:
            raise RequestError(422, "At least one of inventory_item_ids or location_ids is required.")
        return str(row["location_id"]) in query["location_ids"].split(",")
    if resource in _SHOWN and query.get("status", "open") not in ("any", _SHOWN[resource](row)):
        return False
    field = _FILTERED.get(resource, "")
    first, last = query.get(f"{field}_min"), query.get(f"{field}_max")
    at = datetime.fromisoformat(row[field]) if first or last else None
    return at is None or ((not first or _bound(first) <= at) and (not last or at <= _bound(last)))


def _bound(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(400, f"{text!r} is not a date and time.") from None


def _admits(request: Request) -> bool:
    return request.headers.get("x-shopify-access-token") == CREDENTIALS["shopify"]["access_token"]


def _error(problem: RequestError) -> dict[str, Any]:
    return {"errors": "Not Found" if problem.status == 404 else problem.message}


DIALECT = Dialect(admits=_admits, page=_page, error=_error)
