"""The chargebee dialect: the subscriptions dialect with filters, deleted rows, two catalogs and strict parameters."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from connectors_dagster.sandbox.dialects import subscriptions
from connectors_dagster.sandbox.dialects.auth import basic
from connectors_dagster.sandbox.dialects.dialect import Dialect, Listing, Page, RequestError
from connectors_dagster.sandbox.rows.draw import Row
from connectors_dagster.sandbox.settings import CREDENTIALS

# The fields to filter each list by and, after the slash, the fields to sort it by.
_DOCUMENTED: Mapping[str, str] = {
    "addon": "updated_at /",
    "attached_item": "updated_at /",
    "comment": "created_at / created_at",
    "coupon": "created_at updated_at / created_at",
    "credit_note": "date voided_at updated_at / date",
    "customer": "created_at updated_at / created_at updated_at",
    "event": "occurred_at / occurred_at",
    "hosted_page": "updated_at /",
    "invoice": "date paid_at updated_at voided_at / date updated_at",
    "item": "updated_at / id name updated_at",
    "item_family": "updated_at /",
    "item_price": "updated_at / id name updated_at",
    "omnichannel_subscription": "updated_at / updated_at",
    "order": "created_at updated_at / created_at updated_at",
    "payment_source": "created_at updated_at / created_at updated_at",
    "plan": "updated_at /",
    "price_variant": "updated_at created_at / updated_at",
    "promotional_credit": "created_at /",
    "quote": "date updated_at / date",
    "subscription": "created_at updated_at activated_at next_billing_at cancelled_at / created_at updated_at",
    "transaction": "date updated_at / date updated_at",
    "usage": "usage_date updated_at / usage_date updated_at",
    "virtual_bank_account": "created_at updated_at /",
}
_DELETED = {
    *("addon", "credit_note", "customer", "invoice", "order", "payment_source"),
    *("plan", "quote", "subscription", "transaction", "unbilled_charge"),
}
# A site has one catalog. Lists of the other catalog have no rows and return an error instead of an empty list.
_OF_A_CATALOG = {"addon", "plan", "item", "item_price", "item_family", "differential_price"}
_WITH_CHANGES = "subscription_with_scheduled_changes"


def _page(listing: Listing) -> Page:
    if listing.resource == _WITH_CHANGES:
        return _single(listing)
    if listing.resource in _OF_A_CATALOG and not listing.rows:
        raise RequestError(400, "This API operation is not enabled for this site.", code="configuration_incompatible")
    conditions = [_condition(listing.resource, *item) for item in listing.query.items()]
    rows = [row for row in listing.rows if all(holds(row) for holds in conditions)]
    if listing.query.get("include_deleted") != "true":
        rows = [row for row in rows if not row.get("deleted")]
    return subscriptions.DIALECT.page(replace(listing, rows=rows))


def _single(listing: Listing) -> Page:
    if listing.query:
        raise RequestError(400, f"{next(iter(listing.query))} is not a parameter here")
    if not listing.rows:
        raise RequestError(400, "No changes are scheduled for this subscription.", code="invalid_request")
    return Page({"subscription": listing.rows[0], "customer": {"id": listing.rows[0]["customer_id"]}})


def _condition(resource: str, name: str, text: str) -> Callable[[Row], bool]:
    """Read a parameter; a row without the field does not match."""
    times, _, sorts = _DOCUMENTED.get(resource, "/").partition("/")
    field, _, operator = name.removesuffix("]").partition("[")
    if field in times.split() and operator in ("after", "before", "between"):
        first, last = _bounds(operator, text)
        return lambda row: first <= row.get(field, -1) <= last
    known = name in ("limit", "offset") or (name == "include_deleted" and resource in _DELETED)
    if not known and not (field == "sort_by" and text in sorts.split()):
        raise RequestError(400, f"{name} : is not a parameter of this list")
    return lambda _: True


def _bounds(operator: str, text: str) -> tuple[float, float]:
    try:
        between = orjson.loads(text) if operator == "between" else [int(text)]
        first, last = int(between[0]), int(between[-1])
    except (ValueError, TypeError, IndexError):
        raise RequestError(400, f"{text!r} does not contain timestamps") from None
    return (first + 1, float("inf")) if operator == "after" else (0 if operator == "before" else first, last)


def _error(problem: RequestError) -> dict[str, Any]:
    body = subscriptions.DIALECT.error(problem)
    return {**body, "api_error_code": problem.code or body["api_error_code"]}


DIALECT = Dialect(admits=basic(CREDENTIALS["chargebee"]["api_key"], ""), page=_page, error=_error)
