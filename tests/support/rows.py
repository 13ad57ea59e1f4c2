"""Rows as the APIs return them, with only the fields that tests need."""

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2024, 4, 10, 12, tzinfo=UTC)
"""The default current time of tests: in the fourth window from 2024-01-01 on."""


def order(id: int, at: str | None, **fields: Any) -> dict[str, Any]:
    """A storefront order last modified at `at`, as the API writes it."""
    return {"id": id, "status": "completed", "total": "10.00", "date_modified_gmt": at, **fields}


def product(id: str, at: str | None, **fields: Any) -> dict[str, Any]:
    """A billing product, assigned to windows by the reader."""
    return {"id": id, "name": f"Product {id}", "updated_at": at, **fields}


def customer(id: str, **fields: Any) -> dict[str, Any]:
    """A billing customer."""
    return {"id": id, "email": f"{id}@example.com", **fields}


def address(id: str, customer_id: str, **fields: Any) -> dict[str, Any]:
    """An address of a billing customer."""
    return {"id": id, "customer_id": customer_id, "city": "Oslo", **fields}


def picklist(id: int, at: str | None, **fields: Any) -> dict[str, Any]:
    """A fulfillment order, assigned to windows by the reader."""
    return {"idorder": id, "orderid": f"O{id}", "updated": at, **fields}
