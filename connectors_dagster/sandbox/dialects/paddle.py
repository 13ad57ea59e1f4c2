"""The paddle dialect: pages after an id, a `next` link even on the last page, and lists without archived rows."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import ge, gt, le, lt
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from connectors_dagster.sandbox.dialects.auth import bearer
from connectors_dagster.sandbox.dialects.dialect import Dialect, Listing, Page, RequestError
from connectors_dagster.sandbox.dialects.parameters import PageSize, one_of
from connectors_dagster.sandbox.rows.draw import Row
from connectors_dagster.sandbox.settings import CREDENTIALS

_SIZES = {
    "transactions": PageSize(parameter="per_page", default=30, maximum=30),
    "adjustments": PageSize(parameter="per_page", default=10, maximum=50),
}
_SIZE = PageSize(parameter="per_page", default=50, maximum=200)
_SHOWN = {
    **dict.fromkeys(("customers", "customer_addresses", "businesses", "prices", "products", "discounts"), "active"),
    "reports": "pending,ready",
    "client_tokens": "active",
    "checkout_domains": "approved",
    "simulations": "active",
}
_FILTERED = {"transactions": ("created_at", "billed_at", "updated_at")}
_OPERATORS: Mapping[str, Callable[[datetime, datetime], bool]] = {"GT": gt, "GTE": ge, "LT": lt, "LTE": le}
_ONE_PAGE = ("event_types", "ip_addresses", "credit_balances")
_CODES = {400: "bad_request", 401: "authentication_missing", 404: "not_found"}


def _page(listing: Listing) -> Page:
    _refuse_unknown(listing)
    meta: dict[str, Any] = {"request_id": _request_id(str(listing.query))}
    if listing.resource == "ip_addresses":
        return Page({"data": {"ipv4_cidrs": [row["ipv4_cidr"] for row in listing.rows]}, "meta": meta})
    if listing.resource in _ONE_PAGE:
        return Page({"data": listing.rows, "meta": meta})
    key, after = "event_id" if listing.resource == "events" else "id", listing.query.get("after")
    descending = one_of(listing.query, "order_by", ("id[DESC]", "id[ASC]")) == "id[DESC]"
    rows = sorted(filter(_wanted(listing), listing.rows), key=lambda row: str(row[key]), reverse=descending)
    beyond: Callable[[str, str], bool] = lt if descending else gt
    left = [row for row in rows if after is None or beyond(str(row[key]), after)]
    size = _SIZES.get(listing.resource, _SIZE).read(listing.query)
    # Every page has a `next`, even the last. It leads to the vendor's host, not to the host of the request.
    following = f"https://api.paddle.com/{listing.resource}?after={left[:size][-1][key] if left else after}"
    counts = {"per_page": size, "has_more": len(left) > size, "estimated_total": len(rows)}
    return Page({"data": left[:size], "meta": {**meta, "pagination": {**counts, "next": following}}})


def _refuse_unknown(listing: Listing) -> None:
    known = set() if listing.resource in _ONE_PAGE else {"after", "per_page", "order_by", "id"}
    if listing.resource in (*_SHOWN, "subscriptions", "transactions", "adjustments", "notifications"):
        known.add("status")
    if listing.resource == "simulation_runs":
        known.add("include")
    for name in listing.query:
        field, _, operator = name.removesuffix("]").partition("[")
        filtered = field in _FILTERED.get(listing.resource, ()) and (not operator or operator in _OPERATORS)
        if name not in known and not filtered:
            raise RequestError(400, f"{name} is not a parameter of {listing.resource}")


def _wanted(listing: Listing) -> Callable[[Row], bool]:
    shown = listing.query.get("status", _SHOWN.get(listing.resource))
    statuses = None if shown is None else set(shown.split(","))
    bounds = [_bound(name, text) for name, text in listing.query.items() if name.endswith("]")]

    def wanted(row: Row) -> bool:
        visible = statuses is None or row.get("status", "active") in statuses
        return visible and all(row.get(f) and compare(_timestamp(row[f]), bound) for f, compare, bound in bounds)

    return wanted


def _bound(name: str, text: str) -> tuple[str, Callable[[datetime, datetime], bool], datetime]:
    field, _, operator = name.removesuffix("]").partition("[")
    try:
        return field, _OPERATORS[operator], _timestamp(text)
    except ValueError:
        raise RequestError(400, f"{name} must be an RFC 3339 date and time, not {text!r}") from None


@lru_cache(maxsize=100_000)
def _timestamp(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _request_id(text: str) -> str:
    return str(uuid5(NAMESPACE_URL, text))


def _error(problem: RequestError) -> dict[str, Any]:
    code = _CODES[problem.status]
    error = {
        "type": "request_error",
        "code": code,
        "detail": problem.message,
        "documentation_url": f"https://developer.paddle.com/v1/errors/shared/{code}",
    }
    return {"error": error, "meta": {"request_id": _request_id(problem.message)}}


DIALECT = Dialect(admits=bearer(CREDENTIALS["paddle"]["api_key"]), page=_page, error=_error)
