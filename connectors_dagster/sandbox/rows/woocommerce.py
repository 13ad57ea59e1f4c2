"""The WooCommerce shop: a tenth of the storefront's customers and orders, and other lists of a shop."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from connectors_dagster.sandbox.rows import storefront
from connectors_dagster.sandbox.rows.draw import Recipe, Row
from connectors_dagster.sandbox.rows.storefront_parts import links
from connectors_dagster.sandbox.rows.woocommerce_goods import build_goods, variations
from connectors_dagster.sandbox.rows.woocommerce_settings import build_settings

_NOTES = ("Payment received.", "Packed — on its way.", "Klant belt terug.")


def build_rows(recipe: Recipe) -> dict[str, list[Row]]:
    """Make all lists; a row under a parent names it in `parent`, which is not served."""
    small = replace(recipe, scale=recipe.scale / 10)
    shop = storefront.build_rows(small)
    goods = build_goods(small)
    dice = recipe.dice("woocommerce")
    return {
        **shop,
        **goods,
        **build_settings(),
        "order_notes": [note for order in shop["orders"] for note in _notes(dice, order)],
        "refunds": [refund for order in shop["orders"] for refund in _refunds(order)],
        "product_variations": [variation for product in goods["products"] for variation in variations(product)],
        "subscriptions": [_subscription(order) for order in shop["orders"][::7]],
        "product_reviews": list(_reviews(dice, shop["customers"], goods["products"])),
    }


def _subscription(order: Row) -> Row:
    """Make a subscription that began with an order; it has most of the order's fields."""
    fields = {name: value for name, value in order.items() if name not in ("transaction_id", "refunds", "cart_hash")}
    dates = dict.fromkeys(("trial_end", "next_payment", "last_payment", "payment_retry", "cancelled", "end"), "")
    return {
        **fields,
        "id": order["id"] + 1_000_000,
        "parent_id": order["id"],
        "billing_period": "month",
        "billing_interval": "1",
        "start_date_gmt": order["date_created_gmt"],
        **{f"{name}_date_gmt": value for name, value in dates.items()},
        "resubscribed_from": "",
        "resubscribed_subscription": "",
        "removed_line_items": [],
    }


def _notes(dice: Random, order: Row) -> list[Row]:
    return [
        {
            "parent": order["id"],
            "id": order["id"] * 10 + number,
            "author": "system",
            "date_created": order["date_modified"],
            "date_created_gmt": order["date_modified_gmt"],
            "note": dice.choice(_NOTES),
            "customer_note": dice.random() < 0.5,
            "added_by_user": dice.random() < 0.2,
            "_links": links(f"orders/{order['id']}/notes", order["id"] * 10 + number),
        }
        for number in range(dice.randrange(3))
    ]


def _refunds(order: Row) -> list[Row]:
    return [
        {
            "parent": order["id"],
            "id": refund["id"],
            "date_created": order["date_modified"],
            "date_created_gmt": order["date_modified_gmt"],
            "amount": refund["total"].removeprefix("-"),
            "reason": refund["reason"],
            "refunded_by": 1,
            "refunded_payment": False,
            "line_items": [],
            "meta_data": [],
            "_links": links(f"orders/{order['id']}/refunds", refund["id"]),
        }
        for refund in order["refunds"]
    ]


def _reviews(dice: Random, customers: list[Row], products: list[Row]) -> Iterator[Row]:
    for number, product in enumerate(products, start=9_001):
        customer = dice.choice(customers)
        yield {
            "id": number,
            "date_created": product["date_modified"],
            "date_created_gmt": product["date_modified_gmt"],
            "product_id": product["id"],
            "status": "hold" if number % 4 == 0 else "approved",
            "reviewer": customer["first_name"],
            "reviewer_email": customer["email"],
            "review": "<p>Schön!</p>",
            "rating": dice.randint(1, 5),
            "verified": dice.random() < 0.5,
            "reviewer_avatar_urls": {"24": f"https://avatars.example/{number}?s=24"},
            "_links": links("products/reviews", number),
        }
