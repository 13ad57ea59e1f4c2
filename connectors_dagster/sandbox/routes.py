"""Which path serves which resource."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Parent:
    """The row whose id stands in a child's path."""

    resource: str
    child_column: str


@dataclass(frozen=True, kw_only=True)
class Route:
    """One list of rows at one path; `{parent}` in the path is the id of a row of `parent.resource`."""

    resource: str
    path: str
    parent: Parent | None = None


def _billing_child(resource: str, ending: str) -> Route:
    parent = Parent(resource="customers", child_column="customer_id")
    return Route(resource=resource, path=f"/v1/customers/{{parent}}/{ending}", parent=parent)


ROUTES: Mapping[str, tuple[Route, ...]] = MappingProxyType(
    {
        "storefront": (
            Route(resource="customers", path="/customers"),
            Route(resource="coupons", path="/coupons"),
            Route(resource="orders", path="/orders"),
        ),
        "catalog": (Route(resource="ecommerce_data", path="/v1/resource"),),
        "fulfillment": (
            Route(resource="customers", path="/v1/customers"),
            Route(resource="products", path="/v1/products"),
            Route(resource="orders", path="/v1/orders"),
        ),
        "billing": (
            Route(resource="customers", path="/v1/customers"),
            _billing_child("customer_addresses", "addresses"),
            Route(resource="discounts", path="/v1/discounts"),
            Route(resource="prices", path="/v1/prices"),
            Route(resource="products", path="/v1/products"),
            _billing_child("businesses", "businesses"),
            Route(resource="events", path="/v1/events"),
            Route(resource="event_types", path="/v1/event-types"),
            Route(resource="reports", path="/v1/reports"),
            Route(resource="ip_addresses", path="/v1/ips"),
            Route(resource="subscriptions", path="/v1/subscriptions"),
            Route(resource="transactions", path="/v1/transactions"),
        ),
        "subscriptions": (
            Route(resource="addon", path="/addons"),
            Route(resource="item", path="/items"),
            Route(
                resource="attached_item",
                path="/items/{parent}/attached_items",
                parent=Parent(resource="item", child_column="parent_item_id"),
            ),
            Route(resource="customer", path="/customers"),
            Route(resource="coupon", path="/coupons"),
            Route(resource="event", path="/events"),
        ),
    }
)
