"""The rows behind the sandbox: connector -> resource -> rows."""

from connectors_dagster.sandbox.rows import (
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
from connectors_dagster.sandbox.rows.draw import Recipe, Row

Tables = dict[str, dict[str, list[Row]]]


def generate_tables(*, scale: float = 1.0, seed: int = 7) -> Tables:
    """Generate every connector's rows; the same scale and seed give the same rows.

    The history always runs from 2024-01-01 to 2026-11-01. `scale` multiplies the number of rows, except in
    lists that do not grow with a business, such as event types.
    """
    recipe = Recipe(scale=scale, seed=seed)
    billed, subscribed = billing.build_rows(recipe), subscriptions.build_rows(recipe)
    return {
        "storefront": storefront.build_rows(recipe),
        "catalog": catalog.build_rows(recipe),
        "fulfillment": fulfillment.build_rows(recipe),
        "billing": billed,
        "subscriptions": subscribed,
        "woocommerce": woocommerce.build_rows(recipe),
        "picqer": picqer.build_rows(recipe),
        "paddle": paddle.build_rows(recipe, billed),
        "chargebee": chargebee.build_rows(recipe, subscribed),
        "stripe": stripe.build_rows(recipe),
        "shopify": shopify.build_rows(recipe),
    }
