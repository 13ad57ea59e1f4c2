"""The subscriptions dialect: the key as username, wrapped rows, and an offset that is not a number."""

import zlib
from typing import Any

import orjson
from starlette.datastructures import QueryParams

from connectors_dagster.sandbox.dialects.auth import basic
from connectors_dagster.sandbox.dialects.dialect import Dialect, Listing, Page, RequestError
from connectors_dagster.sandbox.dialects.parameters import PageSize
from connectors_dagster.sandbox.rows.draw import Row
from connectors_dagster.sandbox.settings import CREDENTIALS

_SIZE = PageSize(parameter="limit", default=10, maximum=100, refuses_more=True)
_CODES = {400: "param_wrong_value", 401: "api_authentication_failed", 404: "resource_not_found"}
_FIRST_POSITION = 230_000_000_000


def _page(listing: Listing) -> Page:
    start = _read_offset(listing.query)
    stop = start + _SIZE.read(listing.query)
    body: dict[str, Any] = {"list": [_wrapped(listing.resource, row) for row in listing.rows[start:stop]]}
    if stop < len(listing.rows):
        body["next_offset"] = _write_offset(listing.rows[stop - 1], stop)
    return Page(body)


def _wrapped(resource: str, row: Row) -> dict[str, Row]:
    return {resource: row, "card": _card(row)} if resource == "customer" else {resource: row}


def _card(customer: Row) -> Row:
    number = zlib.crc32(customer["id"].encode())
    return {
        "status": "expired" if number % 11 == 0 else "valid",
        "gateway": "sandbox",
        "iin": "411111",
        "last4": f"{number % 10_000:04d}",
        "card_type": ("visa", "mastercard", "american_express")[number % 3],
        "expiry_month": number % 12 + 1,
        "expiry_year": 2027 + number % 4,
        "object": "card",
        "customer_id": customer["id"],
    }


def _write_offset(last_row: Row, position: int) -> str:
    """Encode where a page ended; it looks like JSON but must be sent back unchanged as text."""
    seconds = last_row.get("created_at") or last_row.get("occurred_at") or last_row.get("updated_at") or 0
    return f'["{seconds}000","{_FIRST_POSITION + position}"]'


def _read_offset(query: QueryParams) -> int:
    text = query.get("offset")
    if text is None:
        return 0
    try:
        _, position = orjson.loads(text)
        start = int(position) - _FIRST_POSITION
    except (ValueError, TypeError):
        start = -1
    if start < 0:
        raise RequestError(400, "offset is not a next_offset of this list")
    return start


def _error(problem: RequestError) -> dict[str, Any]:
    return {
        "message": problem.message,
        "type": "invalid_request",
        "api_error_code": _CODES[problem.status],
        "http_status_code": problem.status,
    }


DIALECT = Dialect(admits=basic(CREDENTIALS["subscriptions"]["api_key"], ""), page=_page, error=_error)
