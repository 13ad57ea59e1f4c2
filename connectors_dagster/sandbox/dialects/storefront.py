"""The storefront's dialect: basic credentials, offset paging, ordering, and a filter on modification time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any

from starlette.datastructures import QueryParams

from connectors_dagster.sandbox.dialects.auth import basic
from connectors_dagster.sandbox.dialects.dialect import Dialect, Listing, Page, RequestError
from connectors_dagster.sandbox.dialects.offset import offset_pages
from connectors_dagster.sandbox.dialects.parameters import PageSize, one_of, whole_number
from connectors_dagster.sandbox.rows.draw import Row
from connectors_dagster.sandbox.rows.timeline import SHOP_ZONE
from connectors_dagster.sandbox.settings import CREDENTIALS

_KEYS = CREDENTIALS["storefront"]
SIZE = PageSize(parameter="per_page", default=10, maximum=100, refuses_more=True)
_CODES = {400: "invalid_param", 401: "cannot_view", 404: "no_route"}
_FILTERED = frozenset({"coupons", "orders"})
_QUERY = ("order", "orderby", "dates_are_gmt", "modified_after", "modified_before")

_slice = offset_pages(SIZE)


def _page(listing: Listing) -> Page:
    first = whole_number(listing.query, "offset", default=0) == 0
    found = find(listing, _FILTERED, first_page=first)
    page = _slice(replace(listing, rows=found))
    return Page(page.body, headers=totals(found, listing.query))


def find(listing: Listing, filtered: frozenset[str], *, first_page: bool) -> list[Row]:
    """Return the requested rows in order; only lists in `filtered` support the modification time filter."""
    query = tuple(listing.query.get(name) for name in _QUERY)

    def search() -> list[Row]:
        return _ordered(_filtered(listing) if listing.resource in filtered else listing.rows, listing.query)

    return listing.memory.recall(query, listing.rows, first_page=first_page, search=search)


def totals(found: list[Row], query: QueryParams) -> dict[str, str]:
    """Return the headers that say how many rows and pages there are."""
    return {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(-(-len(found) // SIZE.read(query)))}


def _ordered(rows: list[Row], query: QueryParams) -> list[Row]:
    descending = one_of(query, "order", ("desc", "asc")) == "desc"
    by_date = one_of(query, "orderby", ("date", "id")) == "date"
    key: Callable[[Row], Any] = _created if by_date else lambda row: row["id"]
    return sorted(rows, key=key, reverse=descending)


def _created(row: Row) -> tuple[datetime, int]:
    return _timestamp(row.get("date_created_gmt"), UTC) or datetime.min, row["id"]


def _filtered(listing: Listing) -> list[Row]:
    """Filter rows as the shop software does: both bounds are exclusive, and rows without a date are left out."""
    gmt = one_of(listing.query, "dates_are_gmt", ("false", "true", "0", "1")) in ("true", "1")
    zone, column = (UTC, "date_modified_gmt") if gmt else (SHOP_ZONE, "date_modified")
    return between(listing, ("modified_after", "modified_before"), column, zone)


def between(listing: Listing, names: tuple[str, str], column: str, zone: tzinfo) -> list[Row]:
    """Return the rows whose time in a column is between two parameters, without those at either of them."""
    after, before = (_bound(listing.query, name, zone) for name in names)
    if after is None and before is None:
        return listing.rows
    first, last = after or datetime.min, before or datetime.max
    dated = ((row, _timestamp(row.get(column), zone)) for row in listing.rows)
    return [row for row, at in dated if at is not None and first < at < last]


def _bound(query: QueryParams, name: str, zone: tzinfo) -> datetime | None:
    try:
        return _timestamp(query.get(name), zone)
    except (ValueError, OverflowError):
        raise RequestError(400, f"{name} must be an ISO 8601 date and time, not {query[name]!r}") from None


# The same rows are read for every page; without the cache, parsing their timestamps takes most of the time.
@lru_cache(maxsize=200_000)
def _timestamp(text: str | None, zone: tzinfo) -> datetime | None:
    """Read a time the way the shop's database stores it: without a time zone, in whole seconds."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo is None else at.astimezone(zone)).replace(tzinfo=None, microsecond=0)


def _error(problem: RequestError) -> dict[str, Any]:
    code = f"storefront_rest_{_CODES[problem.status]}"
    return {"code": code, "message": problem.message, "data": {"status": problem.status}}


DIALECT = Dialect(admits=basic(_KEYS["api_key"], _KEYS["api_secret"]), page=_page, error=_error)
