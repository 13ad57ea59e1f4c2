"""Billing's own records: events, reports, and two lists that rarely change."""

from collections.abc import Mapping
from datetime import timedelta
from random import Random

from connectors_dagster.sandbox.rows.billing_parts import dates, history, rfc3339
from connectors_dagster.sandbox.rows.draw import Recipe, Row, sometimes, ulid
from connectors_dagster.sandbox.rows.timeline import Life, one_by_then

# The event types of a resource: their group and their names.
_EVENTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "customer_addresses": ("address", ("created", "imported", "updated")),
    "businesses": ("business", ("created", "imported", "updated")),
    "customers": ("customer", ("created", "imported", "updated")),
    "discounts": ("discount", ("created", "imported", "updated")),
    "prices": ("price", ("created", "imported", "updated")),
    "products": ("product", ("created", "imported", "updated")),
    "subscriptions": ("subscription", ("activated", "canceled", "created", "past_due", "paused", "updated")),
    "transactions": ("transaction", ("billed", "canceled", "completed", "created", "paid", "updated")),
}
_NETWORKS = (
    "192.0.2.16/30",
    "192.0.2.64/28",
    "198.51.100.8/32",
    "198.51.100.9/32",
    "203.0.113.0/28",
    "203.0.113.240/28",
)


def build_events(recipe: Recipe, resources: Mapping[str, list[Row]]) -> list[Row]:
    """Make events about existing rows of the other resources."""
    dice, lives = history(recipe, "events", recipe.amount(1_500))
    return [_event(dice, resources, life) for life in lives]


def build_event_types() -> list[Row]:
    """List the event types; their name is their id."""
    return [
        {
            "id": f"{group}.{name}",
            "name": f"{group}.{name}",
            "description": f"Occurs when a {group} is {name.replace('_', ' ')}.",
            "group": group.capitalize(),
            "available_versions": [1],
        }
        for group, names in _EVENTS.values()
        for name in names
    ]


def build_reports(recipe: Recipe) -> list[Row]:
    """Make the reports."""
    dice, lives = history(recipe, "reports", recipe.amount(20))
    return [_report(dice, life) for life in lives]


def build_ip_addresses() -> list[Row]:
    """List the networks that send notifications, taken from the ranges reserved for documentation (RFC 5737)."""
    return [{"id": f"ip_{number}", "ipv4_cidr": cidr} for number, cidr in enumerate(_NETWORKS, start=1)]


def _event(dice: Random, resources: Mapping[str, list[Row]], life: Life) -> Row:
    resource, (group, names) = dice.choice(list(_EVENTS.items()))
    occurred = rfc3339(dice, life.updated)
    number = ulid(dice, "evt", life.updated)
    return {
        "id": number,
        "event_id": number,
        "event_type": f"{group}.{dice.choice(names)}",
        "occurred_at": occurred,
        "data": {**one_by_then(dice, resources[resource], life.updated), "updated_at": occurred},
    }


def _report(dice: Random, life: Life) -> Row:
    since = rfc3339(dice, life.created - timedelta(days=30))
    return {
        "id": ulid(dice, "rep", life.created),
        "status": dice.choice(("ready", "ready", "pending", "expired", "failed")),
        "rows": sometimes(dice, dice.randrange(5_000), share=0.8),
        "type": dice.choice(("transactions", "adjustments", "discounts")),
        "filters": [{"name": "updated_at", "operator": "gte", "value": since}],
        "expires_at": sometimes(dice, rfc3339(dice, life.updated + timedelta(days=14)), share=0.8),
        **dates(dice, life),
    }
