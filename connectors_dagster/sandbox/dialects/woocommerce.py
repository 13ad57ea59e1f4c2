"""The WooCommerce dialect: bare lists, pages linked by the Link header, behind a firewall."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request

from connectors_dagster.sandbox.dialects.auth import basic
from connectors_dagster.sandbox.dialects.dialect import Dialect, Listing, Page, RequestError
from connectors_dagster.sandbox.dialects.parameters import whole_number
from connectors_dagster.sandbox.dialects.storefront import SIZE, between, find, totals
from connectors_dagster.sandbox.rows.draw import Row
from connectors_dagster.sandbox.rows.timeline import SHOP_ZONE
from connectors_dagster.sandbox.settings import CREDENTIALS

_KEYS = CREDENTIALS["woocommerce"]
_CODES = {
    400: "rest_invalid_param",
    401: "woocommerce_rest_cannot_view",
    403: "firewall",
    404: "rest_no_route",
}
_FILTERED = frozenset({"coupons", "orders", "products"})
# Rows that a list returns unless all are requested: parameter, column, value returned by default.
_SHOWN: Mapping[str, tuple[str, str, str]] = {
    "customers": ("role", "role", "customer"),
    "product_reviews": ("status", "status", "approved"),
}


def _page(listing: Listing) -> Page:
    if not listing.paged:
        return Page([_only(row, listing.query.get("_fields")) for row in listing.rows])
    number = whole_number(listing.query, "page", default=1, least=1)
    shown = _included(_shown(listing), listing.query.get("include"))
    found = find(replace(listing, rows=shown), _FILTERED, first_page=number == 1)
    size = SIZE.read(listing.query)
    headers = totals(found, listing.query)
    pages = int(headers["X-WP-TotalPages"])
    # Past the end, the previous page is the last existing page.
    beside = {"prev": min(number - 1, pages), "next": number + 1}
    links = [
        f'<{listing.url.include_query_params(page=page)}>; rel="{name}"'
        for name, page in beside.items()
        if 1 <= page <= pages
    ]
    return Page(found[(number - 1) * size : number * size], headers={**headers, **_linked(links)})


def _linked(links: list[str]) -> dict[str, str]:
    return {"Link": ", ".join(links)} if links else {}


def _shown(listing: Listing) -> list[Row]:
    if listing.resource not in _SHOWN:
        return listing.rows
    parameter, column, usual = _SHOWN[listing.resource]
    wanted = listing.query.get(parameter, usual)
    rows = listing.rows
    if listing.resource == "product_reviews":  # comments of WordPress, which knows no dates_are_gmt for them
        rows = between(listing, ("after", "before"), "date_created", SHOP_ZONE)
    return [row for row in rows if wanted in ("all", row[column])]


def _included(rows: list[Row], ids: str | None) -> list[Row]:
    return rows if ids is None else [row for row in rows if str(row["id"]) in ids.split(",")]


def _only(row: Row, fields: str | None) -> Row:
    return row if fields is None else {name: row[name] for name in fields.split(",") if name in row}


def _admits(request: Request) -> bool:
    if request.headers.get("user-agent", "").startswith("python-requests"):
        raise RequestError(403, "blocked by the firewall")
    return basic(_KEYS["consumer_key"], _KEYS["consumer_secret"])(request)


def _error(problem: RequestError) -> dict[str, Any]:
    return {"code": _CODES[problem.status], "message": problem.message, "data": {"status": problem.status}}


DIALECT = Dialect(admits=_admits, page=_page, error=_error)
