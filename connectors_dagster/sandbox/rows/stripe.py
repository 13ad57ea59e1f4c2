"""Stripe: amounts in the minor unit, times in seconds since 1970, and lists in rows that are cut after ten items."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from connectors_dagster.sandbox.rows.draw import Recipe, Row, sometimes, token
from connectors_dagster.sandbox.rows.subscriptions_parts import epoch
from connectors_dagster.sandbox.rows.timeline import lives

_CUT = 10
"""The number of items in a list in a row; the rest has pages of its own."""
_ONE = "id object created livemode metadata"
# The number of rows of a resource, the start of their ids, and their fields.
_TABLES: Mapping[str, tuple[int, str, str]] = {
    "customers": (120, "cus", f"{_ONE} email name balance currency delinquent address description tax_exempt"),
    "products": (15, "prod", f"{_ONE} name active updated images description"),
    "prices": (30, "price", f"{_ONE} active currency product type unit_amount unit_amount_decimal recurring"),
    "coupons": (6, "co", f"{_ONE} name duration percent_off times_redeemed valid"),
    "promotion_codes": (12, "promo", f"{_ONE} active code promotion expires_at times_redeemed"),
    "tax_rates": (4, "txr", f"{_ONE} active display_name inclusive percentage country"),
    "shipping_rates": (3, "shr", f"{_ONE} active display_name fixed_amount type"),
    "payment_links": (5, "plink", "id object livemode metadata active url currency custom_fields"),
    "quotes": (10, "qt", f"{_ONE} customer status amount_total amount_subtotal currency expires_at number"),
    "subscriptions": (90, "sub", f"{_ONE} customer status currency start_date cancel_at_period_end"),
    "subscription_schedules": (8, "sub_sched", f"{_ONE} customer status subscription phases end_behavior"),
    "invoice_items": (60, "ii", "id object livemode metadata customer amount currency date invoice quantity"),
    "invoices": (300, "in", f"{_ONE} customer status amount_due amount_paid currency due_date number attempt_count"),
    "credit_notes": (20, "cn", f"{_ONE} customer invoice amount currency reason status number"),
    "charges": (
        350,
        "ch",
        f"{_ONE} customer amount currency paid refunded status payment_intent outcome receipt_email",
    ),
    "payment_intents": (350, "pi", f"{_ONE} customer amount currency status client_secret payment_method_types"),
    "setup_intents": (40, "seti", f"{_ONE} customer status usage client_secret"),
    "refunds": (30, "re", "id object created metadata amount currency charge reason status"),
    "checkout_sessions": (80, "cs_test", f"{_ONE} customer mode status amount_total currency client_secret expires_at"),
    "disputes": (6, "du", f"{_ONE} amount currency charge reason status evidence is_charge_refundable"),
    "reviews": (4, "prv", "id object created livemode charge open reason"),
    "early_fraud_warnings": (3, "issfr", "id object created livemode actionable charge fraud_type"),
    "balance_transactions": (400, "txn", "id object created amount fee net currency available_on source status type"),
    "payouts": (40, "po", f"{_ONE} amount currency arrival_date automatic status"),
    "transfers": (20, "tr", f"{_ONE} amount currency destination reversed"),
    "topups": (4, "tu", f"{_ONE} amount currency status source"),
    "application_fees": (10, "fee", "id object created livemode account amount currency charge refunded"),
    "events": (200, "evt", "id object created livemode api_version data type request pending_webhooks"),
}
_NAMES = {"checkout_sessions": "checkout.session", "invoice_items": "invoiceitem"}
_PLAIN: Mapping[str, Callable[[Random], Any]] = {
    **dict.fromkeys(("livemode", "delinquent", "refunded", "reversed", "inclusive"), lambda _: False),
    **dict.fromkeys(("active", "paid", "automatic", "open", "actionable", "valid"), lambda _: True),
    **dict.fromkeys(("cancel_at_period_end", "is_charge_refundable"), lambda dice: dice.random() < 0.2),
    **dict.fromkeys(("amount", "amount_total", "amount_due", "net"), lambda dice: dice.randrange(100, 90_000)),
    **dict.fromkeys(("amount_paid", "amount_subtotal", "unit_amount"), lambda dice: dice.randrange(100, 90_000)),
    **dict.fromkeys(("fee", "balance", "times_redeemed", "pending_webhooks"), lambda dice: dice.randrange(9)),
    **dict.fromkeys(("quantity", "attempt_count"), lambda dice: dice.randint(1, 5)),
    **dict.fromkeys(("source", "charge", "payment_intent"), lambda dice: f"ch_{token(dice, 14)}"),
    **dict.fromkeys(("invoice", "product", "subscription"), lambda dice: f"in_{token(dice, 14)}"),
    **dict.fromkeys(("destination", "account"), lambda dice: f"acct_{token(dice, 16)}"),
    **dict.fromkeys(("number", "code"), lambda dice: token(dice, 8).upper()),
    **dict.fromkeys(("images", "custom_fields", "phases"), lambda _: []),
    **dict.fromkeys(("name", "display_name"), lambda dice: f"Añual {dice.randrange(100)}"),
    **dict.fromkeys(("evidence", "outcome", "promotion", "recurring", "fixed_amount"), lambda _: {"type": "coupon"}),
    "metadata": lambda dice: {"order_id": str(dice.randrange(9_000))},
    "currency": lambda dice: dice.choice(("eur", "usd")),
    "email": lambda dice: f"{token(dice, 6).lower()}@example.com",
    "receipt_email": lambda dice: sometimes(dice, "ada@example.com", share=0.5),
    "address": lambda dice: sometimes(dice, {"city": "Málaga", "country": "ES"}, share=0.6),
    "description": lambda dice: sometimes(dice, "paid by wire 🙂", share=0.3),
    "tax_exempt": lambda _: "none",
    "percent_off": lambda dice: dice.choice((25, 12.5)),
    "percentage": lambda dice: dice.choice((21, 8.875)),
    "unit_amount_decimal": lambda dice: f"{dice.randrange(900)}.{dice.randrange(100, 999)}",
    "country": lambda _: "NL",
    "url": lambda dice: f"https://buy.example.com/{token(dice, 12)}",
    "duration": lambda _: "once",
    "end_behavior": lambda _: "release",
    "usage": lambda _: "off_session",
    "mode": lambda _: "payment",
    "fraud_type": lambda _: "misc",
    "reason": lambda dice: sometimes(dice, "duplicate", share=0.7),
    "type": lambda dice: dice.choice(("charge", "payment")),
    "payment_method_types": lambda _: ["card", "ideal"],
    "client_secret": lambda dice: f"seti_{token(dice, 8)}_secret_{token(dice, 8)}",
    "api_version": lambda _: "2024-06-20",
    "data": lambda dice: {"object": {"id": f"in_{token(dice, 14)}", "object": "invoice"}},
    "request": lambda _: {"id": None, "idempotency_key": None},
}
_STATES: Mapping[str, tuple[str, ...]] = {
    "subscriptions": ("active", "active", "trialing", "past_due", "canceled"),
    "invoices": ("draft", "open", "paid", "paid", "void"),
    "balance_transactions": ("available", "pending"),
}


def build_rows(recipe: Recipe) -> dict[str, list[Row]]:
    """Make all resources; some invoices and subscriptions have more lines than a row shows."""
    rows: dict[str, list[Row]] = {}
    for name, (count, prefix, fields) in _TABLES.items():
        dice = recipe.dice(f"stripe/{name}")
        moments = [epoch(life.created) for life in lives(dice, recipe.amount(count))]
        there = [row["id"] for row in rows.get("customers", [])]
        rows[name] = [_row(dice, name, prefix, fields.split(), there, created) for created in moments]
    rows["invoice_lines_in_full"] = _lists(recipe, rows["invoices"], "lines", "invoice", "il")
    rows["subscription_items_in_full"] = _lists(recipe, rows["subscriptions"], "items", "subscription", "si")
    return rows


def _row(dice: Random, name: str, prefix: str, fields: list[str], customers: list[str], created: int) -> Row:
    known: Row = {"id": f"{prefix}_{token(dice, 14)}", "object": _NAMES.get(name, name[:-1]), "created": created}
    known |= {"customer": dice.choice(customers) if customers else None}
    known |= dict.fromkeys(("updated", "start_date", "date"), created)
    known |= dict.fromkeys(("expires_at", "due_date", "arrival_date", "available_on"), created + 86_400)
    known |= {"status": dice.choice(_STATES.get(name, ("succeeded", "pending")))}
    if name == "topups":
        known["source"] = {"id": f"src_{token(dice, 14)}", "object": "source"}
    return {field: known[field] if field in known else _PLAIN[field](dice) for field in fields}


def _lists(recipe: Recipe, parents: list[Row], field: str, parent: str, prefix: str) -> list[Row]:
    """Put the first items into the rows, and return all items of the rows that have more."""
    dice, in_full = recipe.dice(f"stripe/{field}"), list[Row]()
    for number, row in enumerate(parents):
        count = 14 if number % 8 == 0 else dice.randint(1, 3)
        items: list[Row] = [_item(dice, f"{prefix}_{token(dice, 14)}", parent, row) for _ in range(count)]
        row[field] = {"object": "list", "data": items[:_CUT], "has_more": count > _CUT, "url": f"/v1/{parent}_items"}
        in_full += items if count > _CUT else []
    return in_full


def _item(dice: Random, id: str, parent: str, row: Row) -> Row:
    item: Row = {"id": id, "object": "line_item", parent: row["id"], "quantity": dice.randint(1, 9), "metadata": {}}
    if parent == "invoice":
        return {**item, "amount": dice.randrange(9_000), "currency": row["currency"], "livemode": False}
    return {
        **item,
        "object": "subscription_item",
        "created": row["created"],
        "price": {"id": f"price_{token(dice, 8)}"},
    }
