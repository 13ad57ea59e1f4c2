"""What customers subscribe to: addons, items, items attached to items, and coupons."""

from datetime import timedelta
from random import Random

from connectors_dagster.sandbox.rows.draw import Row, sometimes, token
from connectors_dagster.sandbox.rows.goods import slug, thing
from connectors_dagster.sandbox.rows.subscriptions_parts import epoch, tracked
from connectors_dagster.sandbox.rows.timeline import Life

_STATUSES = ("active", "active", "active", "active", "archived", "deleted")


def addon(dice: Random, number: int, life: Life) -> Row:
    """Draw an addon; its id is a text chosen by the merchant."""
    extra, status = thing(dice, number), dice.choice(_STATUSES)
    tier = {"starting_unit": 1, "ending_unit": 100, "price": extra.cents}
    return {
        "id": f"{slug(extra.name)}-{number}",
        "name": extra.name,
        "invoice_name": sometimes(dice, extra.name, share=0.5),
        "description": sometimes(dice, "Añade más — add more", share=0.6),
        "sku": sometimes(dice, extra.sku, share=0.5),
        "type": "on_off",
        "charge_type": dice.choice(("recurring", "non_recurring")),
        "pricing_model": dice.choice(("flat_fee", "per_unit", "tiered")),
        "price": extra.cents,
        "currency_code": "EUR",
        "period": 1,
        "period_unit": dice.choice(("month", "year")),
        "tiers": sometimes(dice, [tier], share=0.3),
        "meta_data": sometimes(dice, {"shelf": dice.randrange(9)}, share=0.4),
        **_shown(dice),
        **_ended(life, status),
        **tracked(life, "addon"),
    }


def item(dice: Random, number: int, life: Life) -> Row:
    """Draw an item, which is sometimes archived."""
    plan, status = thing(dice, number), dice.choice(_STATUSES)
    return {
        "id": f"{slug(plan.name)}-{number}",
        "name": plan.name,
        "external_name": sometimes(dice, plan.name, share=0.6),
        "description": sometimes(dice, "Monthly box", share=0.5),
        "type": dice.choice(("plan", "addon", "charge")),
        "item_family_id": dice.choice(("basics", "specials")),
        "item_applicability": dice.choice(("all", "restricted")),
        "is_giftable": dice.random() < 0.2,
        "enabled_for_checkout": True,
        "metered": False,
        "unit": sometimes(dice, "seat", share=0.3),
        "metadata": sometimes(dice, {"tier": dice.randrange(4)}, share=0.4),
        "applicable_items": [],
        **_shown(dice),
        **_ended(life, status),
        **tracked(life, "item"),
    }


def attached_item(dice: Random, life: Life, parent_id: str, item_id: str) -> Row:
    """Draw the attachment of one existing item to another."""
    return {
        "id": token(dice, 16),
        "parent_item_id": parent_id,
        "item_id": item_id,
        "type": dice.choice(("recommended", "mandatory", "optional")),
        "status": dice.choice(("active", "active", "archived", "deleted")),
        "quantity": sometimes(dice, dice.randint(1, 5), share=0.6),
        "billing_cycles": sometimes(dice, 12, share=0.3),
        "charge_on_event": "subscription_creation",
        "charge_once": dice.random() < 0.3,
        **tracked(life, "attached_item"),
    }


def coupon(dice: Random, number: int, life: Life) -> Row:
    """Draw a coupon."""
    percentage = dice.random() < 0.6
    constraint = {"item_type": "plan", "constraint": "all", "item_price_ids": []}
    return {
        "id": f"COUPON{number}",
        "name": f"Sommerschlußverkauf {number}",
        "invoice_name": sometimes(dice, "Discount", share=0.5),
        "discount_type": "percentage" if percentage else "fixed_amount",
        "discount_percentage": dice.randrange(5, 50) + 0.5 if percentage else None,
        "discount_amount": None if percentage else dice.randrange(100, 2_000),
        "currency_code": None if percentage else "EUR",
        "duration_type": dice.choice(("one_time", "forever", "limited_period")),
        "duration_month": sometimes(dice, 6, share=0.3),
        "max_redemptions": sometimes(dice, 100, share=0.4),
        "redemptions": dice.randrange(80),
        "apply_on": "invoice_amount",
        "item_constraints": [constraint],
        "valid_till": sometimes(dice, epoch(life.updated + timedelta(days=90)), share=0.5),
        **_ended(life, dice.choice(("active", "active", "expired", "archived"))),
        **tracked(life, "coupon"),
    }


def _shown(dice: Random) -> Row:
    return {
        "is_shippable": dice.random() < 0.3,
        "enabled_in_portal": dice.random() < 0.8,
        "included_in_mrr": dice.random() < 0.7,
        "channel": "web",
    }


def _ended(life: Life, status: str) -> Row:
    return {"status": status, "archived_at": epoch(life.updated) if status == "archived" else None}
