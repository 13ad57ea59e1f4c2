"""The stripe dialect: the newest rows first, pages after an id, a filter on the creation, and strict parameters."""

from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt
from typing import Any

from connectors_dagster.sandbox.dialects.auth import bearer
from connectors_dagster.sandbox.dialects.dialect import Dialect, Listing, Page, RequestError
from connectors_dagster.sandbox.dialects.parameters import PageSize, whole_number
from connectors_dagster.sandbox.rows.draw import Row
from connectors_dagster.sandbox.settings import CREDENTIALS

_SIZE = PageSize(parameter="limit", default=10, maximum=100, refuses_more=True)
_OPERATORS: Mapping[str, Callable[[int, int], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
_UNFILTERED = {"payment_links", "quotes", "invoice_lines_in_full", "subscription_items_in_full"}
_ENDED = ("canceled", "incomplete_expired")
_CODES = {400: "parameter_unknown", 401: "api_key_invalid", 404: "resource_missing"}


def _page(listing: Listing) -> Page:
    conditions = [_condition(listing, name) for name in listing.query]
    rows = [row for row in _shown(listing) if all(holds(row) for holds in conditions)]
    # Lines and items are in their own order, everything else is listed from the newest on.
    found = rows if listing.resource.endswith("_in_full") else sorted(rows, key=_age, reverse=True)
    after = listing.query.get("starting_after")
    start = 0 if after is None else _place(found, after) + 1
    stop = start + _SIZE.read(listing.query)
    envelope = {"object": "list", "url": listing.url.path.removeprefix("/stripe"), "has_more": stop < len(found)}
    return Page({**envelope, "data": found[start:stop]})


def _shown(listing: Listing) -> list[Row]:
    if listing.resource == "subscription_items_in_full":
        if "subscription" not in listing.query:
            raise RequestError(400, "Missing required param: subscription.", code="parameter_missing")
        return [row for row in listing.rows if row["subscription"] == listing.query["subscription"]]
    if listing.resource == "subscriptions" and listing.query.get("status") != "all":
        return [row for row in listing.rows if row["status"] not in _ENDED]
    return listing.rows


def _condition(listing: Listing, name: str) -> Callable[[Row], bool]:
    """Read a parameter."""
    field, _, operator = name.removesuffix("]").partition("[")
    if field == "created" and operator in _OPERATORS and listing.resource not in _UNFILTERED:
        bound, holds = whole_number(listing.query, name, default=0), _OPERATORS[operator]
        return lambda row: holds(row["created"], bound)
    own = {"subscriptions": "status", "subscription_items_in_full": "subscription"}.get(listing.resource)
    if name not in ("limit", "starting_after", own):
        raise RequestError(400, f"Received unknown parameter: {name}")
    return lambda _: True


def _age(row: Row) -> tuple[int, str]:
    return row.get("created", 0), row["id"]


def _place(rows: list[Row], id: str) -> int:
    found = next((place for place, row in enumerate(rows) if row["id"] == id), None)
    if found is None:
        raise RequestError(400, f"No such object: '{id}'", code="resource_missing")
    return found


def _error(problem: RequestError) -> dict[str, Any]:
    code = problem.code or _CODES[problem.status]
    return {"error": {"type": "invalid_request_error", "code": code, "message": problem.message}}


DIALECT = Dialect(admits=bearer(CREDENTIALS["stripe"]["api_key"]), page=_page, error=_error)
