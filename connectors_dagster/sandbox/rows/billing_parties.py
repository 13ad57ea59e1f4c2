"""Billing's customers, their addresses and their businesses."""

from random import Random

from connectors_dagster.sandbox.rows.billing_parts import entity, history
from connectors_dagster.sandbox.rows.draw import Recipe, Row, sometimes
from connectors_dagster.sandbox.rows.people import person, place
from connectors_dagster.sandbox.rows.timeline import Life


def build_customers(recipe: Recipe) -> list[Row]:
    """Make the customers."""
    dice, lives = history(recipe, "customers", recipe.amount(250))
    return [_customer(dice, number, life) for number, life in enumerate(lives, start=1)]


def build_addresses(recipe: Recipe, customers: list[Row]) -> list[Row]:
    """Make up to three addresses for each customer."""
    owners = _owners(recipe.dice("billing/address owners"), customers, most=3)
    dice, lives = history(recipe, "customer_addresses", len(owners))
    return [_address(dice, owner, life) for owner, life in zip(owners, lives, strict=True)]


def build_businesses(recipe: Recipe, customers: list[Row]) -> list[Row]:
    """Make a business for some of the customers."""
    owners = _owners(recipe.dice("billing/business owners"), customers, most=1)
    dice, lives = history(recipe, "businesses", len(owners))
    return [_business(dice, owner, life) for owner, life in zip(owners, lives, strict=True)]


def _owners(dice: Random, customers: list[Row], *, most: int) -> list[str]:
    """Draw how many children each customer has; the first has at least one, so that the list is never empty."""
    numbers = [dice.randint(1 if position == 0 else 0, most) for position in range(len(customers))]
    return [customer["id"] for customer, number in zip(customers, numbers, strict=True) for _ in range(number)]


def _customer(dice: Random, number: int, life: Life) -> Row:
    who = person(dice, number)
    return {
        **entity(dice, "ctm", life),
        "name": sometimes(dice, who.name, share=0.9),
        "email": who.email,
        "marketing_consent": dice.random() < 0.4,
        "locale": dice.choice(("en", "de", "pl", "ja")),
    }


def _address(dice: Random, owner: str, life: Life) -> Row:
    where = place(dice)
    return {
        **entity(dice, "add", life),
        "customer_id": owner,
        "description": sometimes(dice, "Head office", share=0.3),
        "first_line": where.street,
        "second_line": sometimes(dice, "2nd floor", share=0.2),
        "city": where.city,
        "postal_code": where.postcode,
        "region": where.region or None,
        "country_code": where.country,
    }


def _business(dice: Random, owner: str, life: Life) -> Row:
    who = person(dice, dice.randrange(10_000))
    return {
        **entity(dice, "biz", life),
        "customer_id": owner,
        "name": who.company or f"{who.last} & Co",
        "company_number": sometimes(dice, f"{dice.randrange(10**8):08d}", share=0.6),
        "tax_identifier": sometimes(dice, f"DE{dice.randrange(10**9):09d}", share=0.5),
        "contacts": [{"name": who.name, "email": who.email}],
    }
