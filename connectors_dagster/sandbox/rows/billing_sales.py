"""Billing's subscriptions and transactions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from connectors_dagster.sandbox.rows.billing_parts import amount, dates, history, rfc3339
from connectors_dagster.sandbox.rows.draw import Recipe, Row, sometimes, token, ulid
from connectors_dagster.sandbox.rows.timeline import Life, one_by_then

_MONTH = {"interval": "month", "frequency": 1}
_BILLED = ("billed", "completed", "past_due")


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The rows a sale refers to; businesses by their customer's id."""

    addresses: list[Row]
    businesses: Mapping[str, Row]
    discounts: list[Row]
    prices: list[Row]


def build_subscriptions(recipe: Recipe, shop: Shop) -> list[Row]:
    """Make subscriptions of existing customers to existing prices."""
    dice, lives = history(recipe, "subscriptions", recipe.amount(200))
    return [_subscription(dice, shop, life) for life in lives]


def build_transactions(recipe: Recipe, shop: Shop, subscriptions: list[Row]) -> list[Row]:
    """Make transactions, most of them for an existing subscription."""
    dice, lives = history(recipe, "transactions", recipe.amount(800))
    return [
        _transaction(dice, shop, sometimes(dice, one_by_then(dice, subscriptions, life.created), share=0.8), life)
        for life in lives
    ]


def _parties(dice: Random, shop: Shop, life: Life) -> Row:
    address = one_by_then(dice, shop.addresses, life.created)
    business = shop.businesses.get(address["customer_id"])
    return {
        "customer_id": address["customer_id"],
        "address_id": address["id"],
        "business_id": business["id"] if business else None,
        "currency_code": "USD",
        "collection_mode": dice.choice(("automatic", "automatic", "manual")),
        "custom_data": None,
    }


def _subscription(dice: Random, shop: Shop, life: Life) -> Row:
    status = dice.choice(("active", "active", "active", "trialing", "past_due", "paused", "canceled"))
    number = ulid(dice, "sub", life.created)
    updated = rfc3339(dice, life.updated)
    next_billing = rfc3339(dice, life.updated + timedelta(days=30))
    return {
        "id": number,
        "status": status,
        **_parties(dice, shop, life),
        **dates(dice, life),
        "updated_at": updated,
        "started_at": rfc3339(dice, life.created),
        "first_billed_at": sometimes(dice, rfc3339(dice, life.created), share=0.9),
        "next_billed_at": next_billing if status == "active" else None,
        "paused_at": updated if status == "paused" else None,
        "canceled_at": updated if status == "canceled" else None,
        "discount": sometimes(dice, {"id": dice.choice(shop.discounts)["id"], "ends_at": None}, share=0.15),
        "current_billing_period": {"starts_at": updated, "ends_at": next_billing},
        "billing_cycle": _MONTH,
        "billing_details": None,
        "scheduled_change": None,
        "import_meta": None,
        "items": [_item(dice, price) for price in dice.choices(shop.prices, k=dice.randint(1, 2))],
        "management_urls": {"cancel": f"https://pay.example/{number}/cancel", "update_payment_method": None},
    }


def _item(dice: Random, price: Row) -> Row:
    shown = ("id", "product_id", "name", "description", "unit_price", "billing_cycle", "status")
    return {
        "status": "active",
        "quantity": dice.randint(1, 5),
        "recurring": price["billing_cycle"] is not None,
        "trial_dates": None,
        "price": {column: price[column] for column in shown},
    }


def _transaction(dice: Random, shop: Shop, subscription: Row | None, life: Life) -> Row:
    status = dice.choice(("completed", "completed", "completed", "billed", "draft", "canceled", "past_due"))
    parties = _parties(dice, shop, life)
    if subscription is not None:
        parties |= {column: subscription[column] for column in ("customer_id", "address_id", "business_id")}
    price, quantity = dice.choice(shop.prices), dice.randint(1, 3)
    number = ulid(dice, "txn", life.created)
    return {
        "id": number,
        "status": status,
        **parties,
        **dates(dice, life),
        "subscription_id": subscription["id"] if subscription else None,
        "origin": "subscription_recurring" if subscription else dice.choice(("web", "api")),
        **_invoice(dice, life, billed=status in _BILLED),
        "discount_id": sometimes(dice, dice.choice(shop.discounts)["id"], share=0.1),
        "billing_period": None,
        "billing_details": None,
        "items": [{"price": {"id": price["id"], "unit_price": price["unit_price"]}, "quantity": quantity}],
        "details": _details(price, quantity),
        "payments": [_payment(dice, price, life)] if status == "completed" else [],
        "checkout": {"url": sometimes(dice, f"https://pay.example/{number}", share=0.6)},
    }


def _invoice(dice: Random, life: Life, *, billed: bool) -> Row:
    number = dice.randrange(100_000)
    return {
        "invoice_id": ulid(dice, "inv", life.created) if billed else None,
        "invoice_number": f"74-{number:05d}" if billed else None,
        "billed_at": rfc3339(dice, life.created) if billed else None,
        "revised_at": None,
    }


def _details(price: Row, quantity: int) -> Row:
    subtotal = int(price["unit_price"]["amount"]) * quantity
    tax = subtotal // 5
    totals = {"subtotal": str(subtotal), "tax": str(tax), "discount": "0", "total": str(subtotal + tax)}
    return {
        "tax_rates_used": [{"tax_rate": "0.2", "totals": totals}],
        "totals": {**totals, "currency_code": "USD", "fee": None, "earnings": None},
        "line_items": [{"price_id": price["id"], "quantity": quantity, "tax_rate": "0.2", "totals": totals}],
    }


def _payment(dice: Random, price: Row, life: Life) -> Row:
    card = {"type": "visa", "last4": f"{dice.randrange(10_000):04d}", "expiry_month": 4, "expiry_year": 2028}
    return {
        "payment_attempt_id": token(dice, 20).lower(),
        **amount(int(price["unit_price"]["amount"])),
        "status": "captured",
        "error_code": None,
        "method_details": {"type": "card", "card": card},
        "captured_at": rfc3339(dice, life.created),
    }
