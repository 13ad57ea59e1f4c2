"""What all of billing's rows have in common."""

from datetime import datetime, timedelta
from random import Random

from connectors_dagster.sandbox.rows.draw import Recipe, Row, sometimes, ulid
from connectors_dagster.sandbox.rows.timeline import HALF_SECONDS, Life, lives


def history(recipe: Recipe, resource: str, count: int) -> tuple[Random, list[Life]]:
    """Returns a resource's dice and the lives of `count` rows, in fractions of a second."""
    dice = recipe.dice(f"billing/{resource}")
    return dice, lives(dice, count, beside=HALF_SECONDS)


def entity(dice: Random, prefix: str, life: Life, *, archived: float = 0.05) -> Row:
    """Draws the fields every entity has; nothing is deleted here, but that share is archived."""
    return {
        "id": ulid(dice, prefix, life.created),
        "status": "archived" if dice.random() < archived else "active",
        "custom_data": sometimes(dice, {"source": dice.choice(("partner", "web")), "score": 7}, share=0.2),
        "import_meta": None,
        **dates(dice, life),
    }


def dates(dice: Random, life: Life) -> Row:
    """Writes when a row was created and last changed."""
    return {"created_at": rfc3339(dice, life.created), "updated_at": rfc3339(dice, life.updated)}


def rfc3339(dice: Random, at: datetime) -> str:
    """Writes a time with 0 to 9 fraction digits, as this API does; fewer digits cut, they do not round."""
    # A half second is a window edge's neighbour and must stay one.
    fewest = 1 if at.microsecond == HALF_SECONDS // timedelta(microseconds=1) else 0
    digits = dice.randint(fewest, 9)
    fraction = f".{at:%f}000"[: digits + 1] if digits else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def amount(cents: int) -> Row:
    """Writes money: a text, in the lowest unit."""
    return {"amount": str(cents), "currency_code": "USD"}
