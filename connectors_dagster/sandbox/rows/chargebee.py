"""Chargebee: the subscriptions service's rows and those of all the other resources, on a site with catalog 2.0."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from connectors_dagster.sandbox.rows.draw import Recipe, Row, sometimes, token
from connectors_dagster.sandbox.rows.subscriptions_parts import epoch
from connectors_dagster.sandbox.rows.timeline import Life, lives

_TRACKED = "updated_at resource_version object"
# The number of rows of a resource, and their fields.
_OTHERS: Mapping[str, tuple[int, str]] = {
    "subscription": (200, f"id customer_id status currency_code mrr created_at deleted cf_cost_centre {_TRACKED}"),
    "invoice": (400, f"id customer_id status currency_code total date line_items deleted cf_cost_centre {_TRACKED}"),
    "credit_note": (40, f"id customer_id status currency_code total date line_items deleted {_TRACKED}"),
    "transaction": (450, f"id customer_id status currency_code amount date deleted {_TRACKED}"),
    "order": (90, f"id customer_id status currency_code total created_at deleted {_TRACKED}"),
    "quote": (30, f"id customer_id status currency_code total date line_items deleted {_TRACKED}"),
    "payment_source": (150, f"id customer_id status gateway created_at deleted {_TRACKED}"),
    "virtual_bank_account": (15, "id customer_id gateway created_at updated_at resource_version"),
    "unbilled_charge": (60, "id customer_id currency_code amount date_from deleted updated_at object"),
    "promotional_credit": (40, "id customer_id currency_code amount created_at object"),
    "gift": (20, f"id status scheduled_at {_TRACKED}"),
    "hosted_page": (80, f"id state created_at expires_at {_TRACKED}"),
    "comment": (50, "id entity_id entity_type notes created_at object"),
    "item_price": (80, f"id name status currency_code price created_at {_TRACKED}"),
    "item_family": (5, f"id name status {_TRACKED}"),
    "differential_price": (25, f"id status currency_code price created_at {_TRACKED}"),
    "site_migration_detail": (20, "entity_id entity_type status migrated_at object"),
    "usage": (120, f"id quantity usage_date created_at {_TRACKED}"),
    "coupon_set": (6, "id name object"),
    "coupon_code": (60, "code status object"),
    "feature": (8, f"id name status created_at metered {_TRACKED}"),
    "entitlement": (16, "id entity_id entity_type object"),
    "price_variant": (6, f"id name status created_at {_TRACKED}"),
    "omnichannel_subscription": (30, f"id customer_id created_at {_TRACKED}"),
    "omnichannel_one_time_order": (10, "id customer_id created_at object"),
    "currency": (3, "id currency_code enabled object"),
}
_OLD = ("transaction", "invoice")
_PLAIN: Mapping[str, Callable[[Random], Any]] = {
    "status": lambda dice: dice.choice(("active", "active", "pending")),
    "state": lambda dice: dice.choice(("created", "succeeded")),
    "currency_code": lambda _: "EUR",
    "gateway": lambda _: "sandbox",
    "code": lambda dice: token(dice, 10).upper(),
    "quantity": lambda dice: str(dice.randrange(1, 50)),
    **dict.fromkeys(("enabled", "metered"), lambda _: True),
    "name": lambda dice: f"Añual {dice.randrange(100)}",
    "notes": lambda _: "asked for a refund 🙂",
    "entity_type": lambda dice: dice.choice(("customer", "invoice")),
    "entity_id": lambda dice: token(dice, 12),
    "line_items": lambda dice: [{"id": token(dice, 8), "unit_amount": dice.randrange(9_000), "quantity": 1}],
    "deleted": lambda dice: dice.random() < 0.04,
    "cf_cost_centre": lambda dice: sometimes(dice, f"CC-{dice.randrange(9)}", share=0.2),
    **dict.fromkeys(("total", "amount", "price", "mrr"), lambda dice: dice.randrange(100, 90_000)),
}


def build_rows(recipe: Recipe, subscriptions: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Make all resources, each referring to rows that exist; addon and plan belong to the older catalog."""
    rows = {name: subscriptions[name] for name in ("attached_item", "customer", "coupon", "event")}
    rows |= {"addon": [], "plan": [], "item": [_without_creation(row) for row in subscriptions["item"]]}
    there = [row["id"] for row in rows["customer"]]
    for name, (count, fields) in _OTHERS.items():
        dice = recipe.dice(f"chargebee/{name}")
        alive = lives(dice, recipe.amount(count))
        rows[name] = [_row(dice, name, fields.split(), dice.choice(there), life) for life in alive]
    for number, row in enumerate(rows["subscription"]):
        row["has_scheduled_changes"] = number % 10 == 0 and not row["deleted"]
    changing = [row for row in rows["subscription"] if row["has_scheduled_changes"]]
    rows["subscription_with_scheduled_changes"] = [{**row, "plan_quantity": 2} for row in changing]
    rows["contact"] = _children(recipe, "contact", rows["customer"], {"label": "Finance", "enabled": True})
    rows["quote_line_group"] = _children(recipe, "quote_line_group", rows["quote"], {"version": 1, "total": 4_900})
    return rows


def _without_creation(item: Row) -> Row:
    return {field: value for field, value in item.items() if field != "created_at"}


def _row(dice: Random, name: str, fields: list[str], customer: str, life: Life) -> Row:
    created, updated = epoch(life.created), epoch(life.updated)
    # Rows that were not changed since 2016 have no modification time.
    changed = None if name in _OLD and dice.random() < 0.05 else updated
    known = {"id": f"{name}_{token(dice, 14)}", "customer_id": customer, "object": name, "updated_at": changed}
    known |= {"resource_version": updated * 1000, "scheduled_at": updated, "expires_at": updated + 86_400}
    known |= dict.fromkeys(("created_at", "date", "date_from", "migrated_at", "usage_date"), created)
    row = {field: known[field] if field in known else _PLAIN[field](dice) for field in fields}
    return {field: value for field, value in row.items() if value is not None}


def _children(recipe: Recipe, name: str, parents: list[Row], fields: Row) -> list[Row]:
    """Make one child for every second parent that is not deleted."""
    dice = recipe.dice(f"chargebee/{name}")
    there = [parent["id"] for parent in parents if not parent["deleted"]][::2]
    return [{"id": f"{name}_{token(dice, 12)}", "object": name, "parent": parent, **fields} for parent in there]
