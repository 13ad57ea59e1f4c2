"""How each connector's API checks credentials, splits lists into pages and formats its errors."""

from collections.abc import Mapping
from types import MappingProxyType

from connectors_dagster.sandbox.dialects import (
    billing,
    catalog,
    chargebee,
    fulfillment,
    paddle,
    picqer,
    shopify,
    storefront,
    stripe,
    subscriptions,
    woocommerce,
)
from connectors_dagster.sandbox.dialects.dialect import Dialect

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "storefront": storefront.DIALECT,
        "catalog": catalog.DIALECT,
        "fulfillment": fulfillment.DIALECT,
        "billing": billing.DIALECT,
        "subscriptions": subscriptions.DIALECT,
        "woocommerce": woocommerce.DIALECT,
        "picqer": picqer.DIALECT,
        "paddle": paddle.DIALECT,
        "chargebee": chargebee.DIALECT,
        "stripe": stripe.DIALECT,
        "shopify": shopify.DIALECT,
    }
)
