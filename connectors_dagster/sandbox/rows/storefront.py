"""The storefront: customers and coupons; orders have their own file."""

from datetime import datetime, timedelta
from random import Random

from connectors_dagster.sandbox.rows.draw import Recipe, Row, decimal, sometimes
from connectors_dagster.sandbox.rows.people import Person, Place, person, place
from connectors_dagster.sandbox.rows.storefront_orders import order
from connectors_dagster.sandbox.rows.storefront_parts import links, stamps
from connectors_dagster.sandbox.rows.timeline import Life, lives, one_by_then


def build_rows(recipe: Recipe) -> dict[str, list[Row]]:
    """Make customers, coupons, and orders that refer to both."""
    customers = _customers(recipe)
    coupons = _coupons(recipe, customers)
    return {"customers": customers, "coupons": coupons, "orders": _orders(recipe, customers, coupons)}


def _customers(recipe: Recipe) -> list[Row]:
    dice = recipe.dice("storefront/customers")
    moments = lives(dice, recipe.amount(400))
    return [_customer(dice, number, life) for number, life in enumerate(moments, start=1)]


def _customer(dice: Random, number: int, life: Life) -> Row:
    who, where = person(dice, number), place(dice)
    address = _address(who, where)
    names = {"first_name": who.first, "last_name": who.last}
    # Only customers may have no modification time: a filtered list would never return such a row.
    modified = sometimes(dice, life.updated, share=0.9)
    return {
        "id": number,
        **stamps("date_created", life.created),
        **stamps("date_modified", modified),
        "email": who.email,
        **names,
        "role": "customer" if dice.random() < 0.95 else "subscriber",
        "username": who.email.partition("@")[0],
        "billing": {**names, **address, "email": who.email, "phone": who.phone},
        "shipping": {**names, **address, "phone": ""},
        "is_paying_customer": dice.random() < 0.7,
        "avatar_url": sometimes(dice, f"https://avatars.example/{number}?s=96", share=0.8),
        "meta_data": [{"id": number * 10, "key": "newsletter", "value": dice.choice(("yes", "no"))}],
        "_links": links("customers", number),
    }


def _address(who: Person, where: Place) -> Row:
    return {
        "company": who.company or "",
        "address_1": where.street,
        "address_2": "",
        "city": where.city,
        "state": where.region,
        "postcode": where.postcode,
        "country": where.country,
    }


def _coupons(recipe: Recipe, customers: list[Row]) -> list[Row]:
    dice = recipe.dice("storefront/coupons")
    moments = lives(dice, recipe.amount(60))
    return [_coupon(dice, number, life, customers) for number, life in enumerate(moments, start=501)]


def _coupon(dice: Random, number: int, life: Life, customers: list[Row]) -> Row:
    used_by = [str(dice.choice(customers)["id"]) for _ in range(dice.randrange(4))]
    return {
        "id": number,
        "code": f"{dice.choice(('welcome', 'été', 'bday', 'vip'))}{number}",
        "amount": decimal(dice.randrange(500, 5_000, 50)),
        "discount_type": dice.choice(("percent", "fixed_cart", "fixed_product")),
        "description": sometimes(dice, "10 % off — only while stocks last", share=0.7),
        **stamps("date_created", life.created),
        **stamps("date_modified", life.updated),
        **stamps("date_expires", sometimes(dice, _midnight(life.updated, days=60), share=0.5)),
        "usage_count": len(used_by),
        "usage_limit": sometimes(dice, 100, share=0.4),
        "usage_limit_per_user": sometimes(dice, 1, share=0.4),
        "limit_usage_to_x_items": sometimes(dice, 3, share=0.1),
        **_restrictions(dice),
        "used_by": used_by,
        "meta_data": [],
        "_links": links("coupons", number),
    }


def _restrictions(dice: Random) -> Row:
    return {
        "individual_use": dice.random() < 0.5,
        "product_ids": sorted(dice.sample(range(1, 200), k=dice.randrange(3))),
        "excluded_product_ids": [],
        "product_categories": sorted(dice.sample(range(1, 20), k=dice.randrange(2))),
        "excluded_product_categories": [],
        "free_shipping": dice.random() < 0.2,
        "exclude_sale_items": dice.random() < 0.3,
        "minimum_amount": decimal(dice.choice((0, 2_500, 5_000))),
        "maximum_amount": decimal(0),
        "email_restrictions": [],
    }


def _midnight(at: datetime, *, days: int) -> datetime:
    return (at + timedelta(days=days)).replace(hour=0, minute=0, second=0)


def _orders(recipe: Recipe, customers: list[Row], coupons: list[Row]) -> list[Row]:
    dice = recipe.dice("storefront/orders")
    moments = lives(dice, recipe.amount(3_000))
    return [
        order(
            dice,
            number,
            life=life,
            customer=one_by_then(dice, customers, life.created),
            coupon=one_by_then(dice, coupons, life.created),
        )
        for number, life in enumerate(moments, start=1_001)
    ]
