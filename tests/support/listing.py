"""One list of each connector's API: its path, its page size and its rows."""

from collections.abc import Callable

from tests.support.rows import order, product

FIRST_WINDOW = "2024-01-01T00:00:00"
LISTS = {
    "storefront/orders": "/orders",
    "catalog/ecommerce_data": "/v1/resource",
    "fulfillment/customers": "/customers",
    "billing/products": "/products",
    "subscriptions/addon": "/addons",
}
SIZES = {"storefront": 100, "catalog": 100, "fulfillment": 10, "billing": 20, "subscriptions": 100}


def rows_of(resource: str, count: int) -> list[dict]:
    make: dict[str, Callable[[int], dict]] = {
        "storefront": lambda i: order(i, FIRST_WINDOW),
        "catalog": lambda i: {"id": i},
        "fulfillment": lambda i: {"idcustomer": i},
        "billing": lambda i: product(f"{i:05}", FIRST_WINDOW + "Z"),
        "subscriptions": lambda i: {"id": f"{i:05}"},
    }
    return [make[resource.partition("/")[0]](number) for number in range(count)]


def key_of(resource: str) -> str:
    return "idcustomer" if resource.startswith("fulfillment") else "id"


def page_of(resource: str, rows: list[dict], **more) -> dict:
    name = resource.partition("/")[2]
    listed = {"list": [{name: row} for row in rows]} if resource.startswith("subscriptions") else {"data": rows}
    return {**listed, **({"has_more": True} if resource.startswith("billing") else {}), **more}


def part(rows: list[dict], request, *, most: int = 100, furthest: int = 1_000_000) -> list[dict]:
    """Return the page at the requested offset, within the limits of the API."""
    offset = min(int(request.query_params["offset"]), furthest)
    return rows[offset : offset + most]
