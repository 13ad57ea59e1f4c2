"""Billing's products, prices and discounts."""

from datetime import timedelta
from random import Random

from connectors_dagster.sandbox.rows.billing_parts import amount, entity, history, rfc3339
from connectors_dagster.sandbox.rows.draw import Recipe, Row, sometimes
from connectors_dagster.sandbox.rows.timeline import Life

_PLANS = ("Starter", "Team", "Enterprise", "Añual", "Archive")


def build_products(recipe: Recipe) -> list[Row]:
    """Make the products."""
    dice, lives = history(recipe, "products", recipe.amount(40))
    return [_product(dice, number, life) for number, life in enumerate(lives, start=1)]


def build_prices(recipe: Recipe, products: list[Row]) -> list[Row]:
    """Make prices of existing products."""
    dice, lives = history(recipe, "prices", recipe.amount(80))
    return [_price(dice, dice.choice(products), life) for life in lives]


def build_discounts(recipe: Recipe) -> list[Row]:
    """Make the discounts."""
    dice, lives = history(recipe, "discounts", recipe.amount(30))
    return [_discount(dice, number, life) for number, life in enumerate(lives, start=1)]


def _product(dice: Random, number: int, life: Life) -> Row:
    return {
        **entity(dice, "pro", life, archived=0.1),
        "name": f"{dice.choice(_PLANS)} {number}",
        "description": sometimes(dice, "Everything a small team needs — and more", share=0.7),
        "type": "standard",
        "tax_category": dice.choice(("standard", "saas")),
        "image_url": sometimes(dice, f"https://images.example/{number}.png", share=0.5),
    }


def _price(dice: Random, product: Row, life: Life) -> Row:
    interval = sometimes(dice, dice.choice(("month", "year")), share=0.8)
    trial = sometimes(dice, {"interval": "day", "frequency": 14}, share=0.3) if interval else None
    overrides = [{"country_codes": ["GB"], "unit_price": {"amount": "900", "currency_code": "GBP"}}]
    return {
        **entity(dice, "pri", life, archived=0.1),
        "product_id": product["id"],
        "name": sometimes(dice, f"{product['name']}, {interval or 'once'}", share=0.8),
        "description": f"{interval or 'one-time'} price",
        "type": "standard",
        "billing_cycle": {"interval": interval, "frequency": 1} if interval else None,
        "trial_period": trial,
        "tax_mode": dice.choice(("account_setting", "external", "internal")),
        "unit_price": amount(dice.randrange(500, 50_000, 100)),
        "unit_price_overrides": overrides if dice.random() < 0.2 else [],
        "quantity": {"minimum": 1, "maximum": dice.choice((1, 100, 999_999))},
    }


def _discount(dice: Random, number: int, life: Life) -> Row:
    kind = dice.choice(("percentage", "flat"))
    recurs = dice.random() < 0.3
    return {
        **entity(dice, "dsc", life),
        "status": dice.choice(("active", "active", "archived", "expired")),
        "description": "Année nouvelle 🎉",
        "enabled_for_checkout": dice.random() < 0.8,
        "code": sometimes(dice, f"SAVE{number}", share=0.8),
        "type": kind,
        "mode": "standard",
        "amount": str(dice.randrange(5, 50)),
        "currency_code": "USD" if kind == "flat" else None,
        "recur": recurs,
        "maximum_recurring_intervals": 3 if recurs else None,
        "usage_limit": sometimes(dice, 500, share=0.3),
        "restrict_to": None,
        "expires_at": sometimes(dice, rfc3339(dice, life.updated + timedelta(days=90)), share=0.4),
        "times_used": dice.randrange(200),
    }
