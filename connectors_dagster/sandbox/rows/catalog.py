"""The catalog: one list of things for sale."""

from random import Random

from connectors_dagster.sandbox.rows.draw import Recipe, Row, sometimes
from connectors_dagster.sandbox.rows.goods import COLOURS, thing
from connectors_dagster.sandbox.rows.timeline import Life, lives

_TAGS = ("new", "sale", "gift", "outdoor", "été", "handmade", "last chance")


def build_rows(recipe: Recipe) -> dict[str, list[Row]]:
    """Make the catalog's only resource."""
    dice = recipe.dice("catalog")
    moments = lives(dice, recipe.amount(500))
    return {"ecommerce_data": [_entry(dice, number, life) for number, life in enumerate(moments, start=1)]}


def _entry(dice: Random, number: int, life: Life) -> Row:
    item = thing(dice, number)
    return {
        "id": number,
        "name": item.name,
        "sku": sometimes(dice, item.sku, share=0.95),
        "price": item.cents / 100,
        "currency": dice.choice(("EUR", "USD", "GBP")),
        "stock": dice.randrange(400),
        "active": dice.random() < 0.9,
        "tags": dice.sample(_TAGS, k=dice.randrange(4)),
        "attributes": {
            "colour": dice.choice(COLOURS),
            "weight_grams": sometimes(dice, dice.randrange(50, 4_000), share=0.8),
            "materials": dice.sample(("wood", "steel", "cotton", "glass"), k=dice.randint(1, 2)),
        },
        "created_at": f"{life.created:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{life.updated:%Y-%m-%dT%H:%M:%SZ}",
    }
