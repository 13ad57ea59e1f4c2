"""What all of billing's rows have in common."""

from datetime import datetime, timedelta
from random import Random

from connectors_dagster.sandbox.rows.draw import Recipe, Row, sometimes, ulid
from connectors_dagster.sandbox.rows.timeline import HALF_SECONDS, Life, lives


def history(recipe: Recipe, resource: str, count: int) -> tuple[Random, list[Life]]:
    """Return a resource's dice and the lives of `count` rows, in fractions of a second."""
    dice = recipe.dice(f"billing/{resource}")
    return dice, lives(dice, count, beside=HALF_SECONDS)


def entity(dice: Random, prefix: str, life: Life, *, archived: float = 0.05) -> Row:
    """Draw the fields every entity has; rows are not deleted, but a share of them is archived."""
    return {
        "id": ulid(dice, prefix, life.created),
        "status": "archived" if dice.random() < archived else "active",
        "custom_data": sometimes(dice, {"source": dice.choice(("partner", "web")), "score": 7}, share=0.2),
        "import_meta": None,
        **dates(dice, life),
    }


def dates(dice: Random, life: Life) -> Row:
    """Write when a row was created and last changed."""
    return {"created_at": rfc3339(dice, life.created), "updated_at": rfc3339(dice, life.updated)}


def rfc3339(dice: Random, at: datetime) -> str:
    """Write a time with 0 to 9 fraction digits, as this API does; fewer digits truncate, they do not round."""
    # Half a second next to a window edge must be written exactly.
    fewest = 1 if at.microsecond == HALF_SECONDS // timedelta(microseconds=1) else 0
    digits = dice.randint(fewest, 9)
    fraction = f".{at:%f}000"[: digits + 1] if digits else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def amount(cents: int) -> Row:
    """Write money: text, in the smallest unit."""
    return {"amount": str(cents), "currency_code": "USD"}
