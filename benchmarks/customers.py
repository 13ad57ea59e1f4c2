"""Customers with one address each, in billing's dialect: one small response per customer."""

import orjson

CUSTOMERS = 2_000
_LIST = orjson.dumps({"data": [{"id": f"c{n:04}"} for n in range(CUSTOMERS)], "next": None, "has_more": False})


def respond(resource: str) -> tuple[int, tuple[bytes]] | None:
    """Return the total and the body for all customers, or for the addresses of one; None if there is no such path."""
    match resource.split("/"):
        case ["v1", "customers"]:
            return CUSTOMERS, (_LIST,)
        case ["v1", "customers", key, "addresses"]:
            address = {"id": f"a{key}", "customer_id": key, "city": "Oslo"}
            return 1, (orjson.dumps({"data": [address], "next": None, "has_more": False}),)
    return None
