"""The subscriptions service: its goods, customers and events."""

from collections.abc import Callable
from random import Random

from connectors_dagster.sandbox.rows.draw import Recipe, Row
from connectors_dagster.sandbox.rows.subscriptions_goods import addon, attached_item, coupon, item
from connectors_dagster.sandbox.rows.subscriptions_people import customer, event
from connectors_dagster.sandbox.rows.timeline import Life, lives

Maker = Callable[[Random, int, Life], Row]


def build_rows(recipe: Recipe) -> dict[str, list[Row]]:
    """Make all resources, each referring to rows that exist."""
    addons = _made(recipe, "addon", recipe.amount(30), addon)
    items = _made(recipe, "item", recipe.amount(40), item)
    customers = _made(recipe, "customer", recipe.amount(250), customer)
    coupons = _made(recipe, "coupon", recipe.amount(25), coupon)
    about = {"addon": addons, "customer": customers, "coupon": coupons}
    events = _made(recipe, "event", recipe.amount(1_200), lambda dice, _, life: event(dice, life, about))
    return {
        "addon": addons,
        "item": items,
        "attached_item": _attached_items(recipe, items),
        "customer": customers,
        "coupon": coupons,
        "event": sorted(events, key=lambda row: row["occurred_at"]),
    }


def _made(recipe: Recipe, resource: str, count: int, make: Maker) -> list[Row]:
    dice = recipe.dice(f"subscriptions/{resource}")
    made = [make(dice, number, life) for number, life in enumerate(lives(dice, count), start=1)]
    # This kind of API leaves out keys whose value is null.
    return [{column: value for column, value in row.items() if value is not None} for row in made]


def _attached_items(recipe: Recipe, items: list[Row]) -> list[Row]:
    """Attach up to three items to each item; the first has at least one, so that the list is never empty."""
    dice = recipe.dice("subscriptions/parents")
    numbers = [dice.randint(1 if position == 0 else 0, 3) for position in range(len(items))]
    pairs = [
        (parent["id"], dice.choice(items)["id"])
        for parent, number in zip(items, numbers, strict=True)
        for _ in range(number)
    ]
    return _made(recipe, "attached_item", len(pairs), lambda dice, n, life: attached_item(dice, life, *pairs[n - 1]))
