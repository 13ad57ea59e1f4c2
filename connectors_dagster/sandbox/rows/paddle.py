"""Paddle: billing's rows in the format of the real API, with adjustments."""

from random import Random

from connectors_dagster.sandbox.rows.billing_parts import dates, history
from connectors_dagster.sandbox.rows.draw import Recipe, Row, ulid
from connectors_dagster.sandbox.rows.timeline import Life, one_by_then


def build_rows(recipe: Recipe, billing: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Make all resources of the rows that billing has."""
    return {
        **billing,
        "events": [_without_id(row) for row in billing["events"]],
        "event_types": [_without_id(row) for row in billing["event_types"]],
        "adjustments": _adjustments(recipe, billing["transactions"]),
    }


def _without_id(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "id"}


def _adjustments(recipe: Recipe, transactions: list[Row]) -> list[Row]:
    dice, lives = history(recipe, "adjustments", recipe.amount(80))
    return [_adjustment(dice, one_by_then(dice, transactions, life.created), life) for life in lives]


def _adjustment(dice: Random, transaction: Row, life: Life) -> Row:
    total = transaction["details"]["totals"]["total"]
    totals = {"subtotal": total, "tax": "0", "total": total, "fee": "0", "earnings": total, "currency_code": "USD"}
    return {
        "id": ulid(dice, "adj", life.created),
        "action": dice.choice(("refund", "credit", "chargeback")),
        "type": dice.choice(("full", "partial")),
        "transaction_id": transaction["id"],
        "subscription_id": transaction["subscription_id"],
        "customer_id": transaction["customer_id"],
        "reason": "ordered twice",
        "currency_code": "USD",
        "status": dice.choice(("approved", "approved", "pending_approval", "rejected", "reversed")),
        "items": [{"id": ulid(dice, "adjitm", life.created), "type": "full", "amount": total, "totals": totals}],
        "tax_rates_used": [],
        "totals": totals,
        "payout_totals": None,
        **dates(dice, life),
    }
