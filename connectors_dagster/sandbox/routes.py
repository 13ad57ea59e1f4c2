"""Which path serves which resource."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Parent:
    """The row whose `key` is in a child's path; a child has the key in `child_column`, which `hidden` leaves out."""

    resource: str
    child_column: str
    key: str = "id"
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Route:
    """One list of rows at one path; `{parent}` in the path is the key of a row of `parent.resource`.

    Args:
        resource: the resource served.
        path: its path.
        parent: its parent, if the rows are children.
        paged: whether the list has pages.
        instead: by query parameter, such as ``type=container``, the resource that is served instead of `resource`.
        renamed: columns that are served under another name.
        lists: by table, the field of the rows with a list that a connector may load as that table.
    """

    resource: str
    path: str
    parent: Parent | None = None
    paged: bool = True
    instead: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)

    @property
    def resources(self) -> tuple[str, ...]:
        """The resources that are served at the path."""
        return (self.resource, *self.instead.values())


def _child(path: str, *, parent: str, name: str, ending: str, of: str = "parent") -> Route:
    """Route to the children of a row; the column `parent`, which the API does not have, is hidden."""
    owner = Parent(resource=parent, child_column=of, hidden=of == "parent")
    return Route(resource=name, path=f"{path}/{{parent}}/{ending}", parent=owner)


def _shop(resource: str, path: str, *, paged: bool = True) -> Route:
    return Route(resource=resource, path=f"/wp-json/wc/v3{path}", paged=paged)


def _shop_child(resource: str, path: str, parent: str, *, paged: bool = True) -> Route:
    # The row itself does not name its parent.
    owner = Parent(resource=parent, child_column="parent", hidden=True)
    return Route(resource=resource, path=f"/wp-json/wc/v3{path}", parent=owner, paged=paged)


def _shop_of_all(resource: str, path: str) -> Route:
    # Newer shops have one list for all parents, in which the row names its parent.
    return Route(resource=resource, path=f"/wp-json/wc/v3{path}", renamed={"parent": "parent_id"})


def _admin(resource: str, path: str = "") -> Route:
    return Route(resource=resource, path=f"{_ADMIN}/{path or resource}.json")


def _warehouse(resource: str, **more: Any) -> Route:
    return Route(resource=resource, path=f"/api/v1/{resource}", **more)


_PADDLE = (
    *("customers", "adjustments", "discounts", "prices", "products"),
    *("events", "reports", "subscriptions", "transactions", "notifications", "simulations"),
)
_CHARGEBEE = (
    *("customer", "subscription", "invoice", "credit_note", "transaction", "payment_source", "virtual_bank_account"),
    *("order", "quote", "unbilled_charge", "promotional_credit", "coupon", "gift", "hosted_page", "event", "comment"),
    *("addon", "plan", "item", "item_price", "differential_price", "site_migration_detail"),
    *("usage", "coupon_set", "coupon_code", "feature", "entitlement", "price_variant"),
    *("omnichannel_subscription", "omnichannel_one_time_order"),
)
_V2, _ADMIN = "/api/v2", "/admin/api/2026-07"
_SHOPIFY = (
    *("orders", "products", "customers", "draft_orders", "custom_collections", "smart_collections", "collects"),
    *(
        "price_rules",
        "locations",
        "inventory_levels",
        "events",
        "tender_transactions",
        "countries",
        "metafields",
        "shop",
    ),
)
_STRIPE = (
    *("balance_transactions", "charges", "payment_intents", "setup_intents", "refunds", "invoices", "credit_notes"),
    *("payouts", "transfers", "topups", "application_fees", "events", "customers", "subscriptions"),
    *("subscription_schedules", "products", "prices", "coupons", "promotion_codes", "tax_rates", "shipping_rates"),
    *("payment_links", "quotes", "disputes", "reviews"),
)

ROUTES: Mapping[str, tuple[Route, ...]] = MappingProxyType(
    {
        "storefront": (
            Route(resource="customers", path="/customers"),
            Route(resource="coupons", path="/coupons"),
            Route(resource="orders", path="/orders", lists={"order_lines": "line_items"}),
        ),
        "catalog": (Route(resource="ecommerce_data", path="/v1/resource"),),
        "fulfillment": (
            Route(resource="customers", path="/v1/customers"),
            Route(resource="products", path="/v1/products"),
            Route(resource="orders", path="/v1/orders"),
        ),
        "billing": (
            Route(resource="customers", path="/v1/customers"),
            _child(
                "/v1/customers", parent="customers", name="customer_addresses", ending="addresses", of="customer_id"
            ),
            Route(resource="discounts", path="/v1/discounts"),
            Route(resource="prices", path="/v1/prices"),
            Route(resource="products", path="/v1/products"),
            _child("/v1/customers", parent="customers", name="businesses", ending="businesses", of="customer_id"),
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
        "woocommerce": (
            _shop("customers", "/customers"),
            _shop("coupons", "/coupons"),
            _shop("orders", "/orders"),
            _shop_child("order_notes", "/orders/{parent}/notes", "orders", paged=False),
            _shop_child("refunds", "/orders/{parent}/refunds", "orders"),
            _shop("payment_gateways", "/payment_gateways", paged=False),
            _shop("product_attributes", "/products/attributes", paged=False),
            _shop_child("product_attribute_terms", "/products/attributes/{parent}/terms", "product_attributes"),
            _shop("product_categories", "/products/categories"),
            _shop("product_reviews", "/products/reviews"),
            _shop("product_shipping_classes", "/products/shipping_classes"),
            _shop("product_tags", "/products/tags"),
            _shop_child("product_variations", "/products/{parent}/variations", "products"),
            _shop("products", "/products"),
            _shop("product_brands", "/products/brands"),
            _shop("general_settings", "/settings/general", paged=False),
            _shop("subscriptions", "/subscriptions"),
            _shop_of_all("refunds", "/refunds"),
            _shop_of_all("product_variations", "/variations"),
            _shop("shipping_methods", "/shipping_methods", paged=False),
            _shop("shipping_zones", "/shipping/zones", paged=False),
            _shop_child("shipping_zone_locations", "/shipping/zones/{parent}/locations", "shipping_zones", paged=False),
            _shop_child("shipping_zone_methods", "/shipping/zones/{parent}/methods", "shipping_zones", paged=False),
            _shop("system_status_tools", "/system_status/tools", paged=False),
            _shop("tax_classes", "/taxes/classes", paged=False),
            _shop("tax_rates", "/taxes"),
        ),
        "picqer": (
            *map(_warehouse, ("customers", "products", "orders", "backorders", "returns", "purchaseorders")),
            *map(_warehouse, ("warehouses", "users", "suppliers", "tags", "templates", "vatgroups")),
            *map(_warehouse, ("picklists", "shipments", "receipts", "comments", "pricelists")),
            *map(_warehouse, ("customerfields", "orderfields", "productfields", "return_reasons", "return_statuses")),
            Route(resource="picklist_batches", path="/api/v1/picklists/batches"),
            Route(resource="stock_history", path="/api/v1/stockhistory"),
            Route(resource="location_stock_history", path="/api/v1/location-stock-history"),
            Route(resource="fulfilment_customers", path="/api/v1/fulfilment/customers"),
            Route(resource="shipping_providers", path="/api/v1/shippingproviders"),
            Route(
                resource="product_parts",
                path="/api/v1/products/{parent}/parts",
                parent=Parent(resource="products", child_column="parent", key="idproduct", hidden=True),
            ),
            _warehouse("locations", instead={"type=container": "containers"}),
            Route(
                resource="products_stock",
                path="/api/v1/warehouses/{parent}/stock",
                parent=Parent(resource="warehouses", child_column="parent", key="idwarehouse", hidden=True),
            ),
        ),
        "paddle": (
            *(Route(resource=name, path=f"/{name}") for name in _PADDLE),
            _child("/customers", parent="customers", name="customer_addresses", ending="addresses", of="customer_id"),
            _child("/customers", parent="customers", name="businesses", ending="businesses", of="customer_id"),
            _child(
                "/customers", parent="customers", name="credit_balances", ending="credit-balances", of="customer_id"
            ),
            _child(
                "/customers", parent="customers", name="payment_methods", ending="payment-methods", of="customer_id"
            ),
            _child("/simulations", parent="simulations", name="simulation_runs", ending="runs"),
            Route(resource="client_tokens", path="/client-tokens"),
            Route(resource="checkout_domains", path="/checkout-domains"),
            Route(resource="discount_groups", path="/discount-groups"),
            Route(resource="event_types", path="/event-types"),
            Route(resource="ip_addresses", path="/ips"),
        ),
        "chargebee": (
            *(Route(resource=name, path=f"{_V2}/{name}s") for name in _CHARGEBEE),
            Route(resource="item_family", path=f"{_V2}/item_families"),
            Route(resource="currency", path=f"{_V2}/currencies/list"),
            _child(f"{_V2}/customers", parent="customer", name="contact", ending="contacts"),
            _child(f"{_V2}/quotes", parent="quote", name="quote_line_group", ending="quote_line_groups"),
            _child(f"{_V2}/items", parent="item", name="attached_item", ending="attached_items", of="parent_item_id"),
            _child(
                f"{_V2}/subscriptions",
                parent="subscription",
                name="subscription_with_scheduled_changes",
                ending="retrieve_with_scheduled_changes",
                of="id",
            ),
        ),
        "stripe": (
            *(Route(resource=name, path=f"/v1/{name}") for name in _STRIPE),
            Route(resource="checkout_sessions", path="/v1/checkout/sessions"),
            Route(resource="invoice_items", path="/v1/invoiceitems"),
            Route(resource="early_fraud_warnings", path="/v1/radar/early_fraud_warnings"),
            Route(resource="subscription_items_in_full", path="/v1/subscription_items"),
            _child("/v1/invoices", parent="invoices", name="invoice_lines_in_full", ending="lines", of="invoice"),
        ),
        "shopify": (
            *map(_admin, _SHOPIFY),
            _admin("abandoned_checkouts", "checkouts"),
            _child(f"{_ADMIN}/orders", parent="orders", name="transactions", ending="transactions.json", of="order_id"),
            _child(
                f"{_ADMIN}/price_rules",
                parent="price_rules",
                name="discount_codes",
                ending="discount_codes.json",
                of="price_rule_id",
            ),
        ),
    }
)
