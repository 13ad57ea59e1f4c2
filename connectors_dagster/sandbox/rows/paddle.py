"""Paddle: billing's rows in the format of the real API, with adjustments."""

from random import Random

from connectors_dagster.sandbox.rows.billing_parts import dates, history
from connectors_dagster.sandbox.rows.draw import Recipe, Row, ulid
from connectors_dagster.sandbox.rows.timeline import START, Life, one_by_then


def build_rows(recipe: Recipe, billing: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Make all resources of the rows that billing has."""
    return {
        **billing,
        "events": [_without_id(row) for row in billing["events"]],
        "event_types": [_without_id(row) for row in billing["event_types"]],
        "adjustments": _adjustments(recipe, billing["transactions"]),
        **_of_customers(recipe, billing["customers"]),
        **_settings(recipe, billing["events"]),
    }


def _of_customers(recipe: Recipe, customers: list[Row]) -> dict[str, list[Row]]:
    dice = recipe.dice("paddle/payment_methods")
    balance = {"available": "1250", "reserved": "0", "used": "400"}
    return {
        "credit_balances": [
            {"customer_id": customer["id"], "currency_code": "USD", "balance": balance} for customer in customers[::9]
        ],
        "payment_methods": [
            {
                "id": ulid(dice, "paymtd", START),
                "customer_id": customer["id"],
                "address_id": None,
                "type": "card",
                "card": {"type": "visa", "last4": "4242", "expiry_month": 12, "expiry_year": 2030},
                "paypal": None,
                "origin": "saved_during_purchase",
                "saved_at": customer["created_at"],
                "updated_at": customer["updated_at"],
            }
            for customer in customers[::3]
        ],
    }


def _settings(recipe: Recipe, events: list[Row]) -> dict[str, list[Row]]:
    """Make what belongs to the account, and the deliveries of its events."""
    tables: dict[str, list[Row]] = {}
    fields: dict[str, tuple[str, tuple[str, ...], Row]] = {
        "discount_groups": ("dsg", ("active", "archived"), {"name": "Black Friday", "import_meta": None}),
        "client_tokens": ("ctkn", ("active", "revoked"), {"token": "test_sandbox", "name": "Shop"}),
        "checkout_domains": ("chkdom", ("approved", "rejected"), {"domain": "shop.example.com"}),
        "simulations": ("ntfsim", ("active", "archived"), {"name": "A payment fails", "type": "transaction.paid"}),
    }
    for name, (prefix, states, more) in fields.items():
        dice, alive = history(recipe, name, 4)
        tables[name] = [
            {"id": ulid(dice, prefix, life.created), "status": states[number % 2], **more, **dates(dice, life)}
            for number, life in enumerate(alive)
        ]
    dice = recipe.dice("paddle/notifications")
    tables["notifications"] = [
        {
            "id": ulid(dice, "ntf", START),
            "type": event["event_type"],
            "status": dice.choice(("delivered", "delivered", "failed")),
            "occurred_at": event["occurred_at"],
            "payload": {"event_id": event["event_id"]},
            "times_attempted": dice.randint(1, 3),
            "notification_setting_id": "ntfset_1",
        }
        for event in map(_without_id, events[::5])
    ]
    tables["simulation_runs"] = [
        {"id": ulid(dice, "ntfsimrun", START), "parent": simulation["id"], "status": "completed", "events": []}
        for simulation in tables["simulations"]
    ]
    return tables


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
