"""The customers and events of the subscriptions service."""

from collections.abc import Mapping
from random import Random

from connectors_dagster.sandbox.rows.draw import Row, ip_address, sometimes, token
from connectors_dagster.sandbox.rows.people import Person, Place, person, place
from connectors_dagster.sandbox.rows.subscriptions_parts import epoch, tracked
from connectors_dagster.sandbox.rows.timeline import Life, one_by_then


def customer(dice: Random, number: int, life: Life) -> Row:
    """Draw a customer; a few are flagged as deleted."""
    who = person(dice, number)
    return {
        "id": token(dice, 16),
        "first_name": who.first,
        "last_name": who.last,
        "email": who.email,
        "phone": sometimes(dice, who.phone, share=0.7),
        "company": who.company,
        "billing_address": sometimes(dice, _address(who, place(dice)), share=0.9),
        **_account(dice),
        "card_status": "valid",
        "balances": [],
        "meta_data": sometimes(dice, {"tier": dice.choice(("gold", "silver"))}, share=0.3),
        "cf_favourite_colour": sometimes(dice, "grün", share=0.2),
        "deleted": dice.random() < 0.04,
        **tracked(life, "customer"),
    }


def event(dice: Random, life: Life, about: Mapping[str, list[Row]]) -> Row:
    """Draw an event about an existing row; `about` holds the candidates by kind."""
    kind = dice.choice(list(about))
    return {
        "id": f"ev_{token(dice, 16)}",
        "occurred_at": epoch(life.updated),
        "source": dice.choice(("api", "admin_console", "scheduled_job")),
        "user": sometimes(dice, "ops@example.com", share=0.4),
        "event_type": f"{kind}_{dice.choice(('created', 'updated', 'deleted'))}",
        "api_version": "v2",
        "content": {kind: dict(one_by_then(dice, about[kind], life.updated))},
        "webhook_status": dice.choice(("succeeded", "not_configured", "failed")),
        "webhooks": [{"id": f"whv2_{token(dice, 12)}", "webhook_status": "succeeded"}],
        "object": "event",
    }


def _account(dice: Random) -> Row:
    return {
        "auto_collection": dice.choice(("on", "off")),
        "net_term_days": dice.choice((0, 0, 30)),
        "allow_direct_debit": dice.random() < 0.3,
        "created_from_ip": sometimes(dice, ip_address(dice), share=0.8),
        "taxability": "taxable",
        "locale": sometimes(dice, dice.choice(("de-DE", "en-GB", "ja-JP")), share=0.7),
        "pii_cleared": "active",
        "channel": "web",
        "preferred_currency_code": "EUR",
        "promotional_credits": dice.choice((0, 0, 0, 1_500)),
        "refundable_credits": 0,
        "excess_payments": 0,
        "unbilled_charges": dice.choice((0, 0, 990)),
    }


def _address(who: Person, where: Place) -> Row:
    return {
        "first_name": who.first,
        "last_name": who.last,
        "line1": where.street,
        "city": where.city,
        "zip": where.postcode,
        "country": where.country,
        "validation_status": "not_validated",
        "object": "billing_address",
    }
