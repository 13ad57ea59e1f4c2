"""Shopify: amounts as decimal text, local times with their offset, and lists in orders and products."""

from collections.abc import Callable, Mapping
from datetime import datetime
from random import Random
from typing import Any

from connectors_dagster.sandbox.rows.draw import Recipe, Row, decimal, sometimes, token
from connectors_dagster.sandbox.rows.timeline import END, SHOP_ZONE, Life, lives

_ONE = "id created_at updated_at admin_graphql_api_id"
# The number of rows of a resource, and their fields.
_TABLES: Mapping[str, tuple[int, str]] = {
    "customers": (
        120,
        f"{_ONE} email first_name state tags total_spent orders_count verified_email addresses currency",
    ),
    "products": (40, f"{_ONE} title handle status vendor tags published_at options body_html"),
    "orders": (
        400,
        f"{_ONE} processed_at cancelled_at closed_at currency email financial_status name total_price test",
    ),
    "draft_orders": (20, f"{_ONE} completed_at currency email name status total_price line_items taxes_included"),
    "abandoned_checkouts": (60, "id created_at updated_at closed_at currency email total_price token line_items"),
    "custom_collections": (6, "id updated_at published_at admin_graphql_api_id title handle sort_order"),
    "smart_collections": (4, "id updated_at published_at admin_graphql_api_id title handle disjunctive rules"),
    "collects": (50, "id created_at updated_at collection_id product_id position sort_value"),
    "price_rules": (8, f"{_ONE} starts_at title value value_type usage_limit target_type once_per_customer"),
    "locations": (3, f"{_ONE} name active address1 city country_code"),
    "events": (300, "id created_at subject_id subject_type verb message arguments"),
    "tender_transactions": (200, "id processed_at amount currency order_id payment_method test"),
    "countries": (3, "id code name tax provinces"),
    "metafields": (5, f"{_ONE} namespace key value type owner_id owner_resource"),
    "shop": (1, "id created_at updated_at name domain currency iana_timezone taxes_included latitude"),
}
_PLAIN: Mapping[str, Callable[[Random], Any]] = {
    **dict.fromkeys(("test", "taxes_included", "disjunctive", "once_per_customer"), lambda _: False),
    **dict.fromkeys(("verified_email", "active"), lambda _: True),
    **dict.fromkeys(("total_price", "total_spent", "amount"), lambda dice: decimal(dice.randrange(100, 90_000))),
    **dict.fromkeys(("product_id", "collection_id", "subject_id", "order_id"), lambda dice: dice.getrandbits(40)),
    **dict.fromkeys(("owner_id", "orders_count", "position"), lambda dice: dice.randrange(1, 90)),
    **dict.fromkeys(("options", "provinces", "addresses", "arguments", "rules", "line_items"), lambda _: [{"n": 1}]),
    **dict.fromkeys(("handle", "token", "namespace", "key", "sort_value"), lambda dice: token(dice, 10).lower()),
    **dict.fromkeys(("title", "value", "body_html", "message", "address1"), lambda dice: f"Añual {dice.randrange(90)}"),
    **dict.fromkeys(("name", "first_name", "vendor", "city"), lambda dice: f"Zoë {dice.randrange(90)}"),
    "currency": lambda _: "EUR",
    "email": lambda dice: sometimes(dice, f"{token(dice, 6).lower()}@example.com", share=0.9),
    "state": lambda _: "enabled",
    "tags": lambda _: "vip, wholesale",
    "financial_status": lambda dice: dice.choice(("paid", "pending", "refunded")),
    "sort_order": lambda _: "best-selling",
    "value_type": lambda _: "percentage",
    "usage_limit": lambda dice: sometimes(dice, 100, share=0.5),
    "target_type": lambda _: "line_item",
    "country_code": lambda _: "NL",
    "code": lambda _: "NL",
    "tax": lambda _: 0.21,
    "latitude": lambda _: 52.25,
    "type": lambda _: "single_line_text_field",
    "owner_resource": lambda _: "shop",
    "subject_type": lambda dice: dice.choice(("Order", "Product")),
    "verb": lambda dice: dice.choice(("create", "update", "destroy")),
    "payment_method": lambda _: "credit_card",
    "domain": lambda _: "shop.example.com",
    "iana_timezone": lambda _: "Europe/Amsterdam",
}
_STATES: Mapping[str, tuple[str, ...]] = {
    "products": ("active", "active", "archived", "draft"),
    "draft_orders": ("open", "invoice_sent", "completed"),
}


def build_rows(recipe: Recipe) -> dict[str, list[Row]]:
    """Make all resources."""
    rows: dict[str, list[Row]] = {}
    for name, (count, fields) in _TABLES.items():
        dice = recipe.dice(f"shopify/{name}")
        number = recipe.amount(count) if name not in ("shop", "countries") else count
        rows[name] = [_row(dice, name, fields.split(), 1_000 + n, life) for n, life in enumerate(lives(dice, number))]
    dice = recipe.dice("shopify/lists")
    for order in rows["orders"]:
        order |= _lists_of_order(dice, order)
    for product in rows["products"]:
        variants = [_part(dice, product, "product_id", price="19.90", sku=token(dice, 6)) for _ in range(2)]
        product |= {"variants": variants, "images": [_part(dice, product, "product_id", src="https://img.example/1")]}
    for rule in rows["price_rules"]:
        rule["value"] = "-10.0"
    rows["transactions"] = [_transaction(dice, order) for order in rows["orders"]]
    rows["discount_codes"] = [_part(dice, rule, "price_rule_id", code=token(dice, 8)) for rule in rows["price_rules"]]
    rows["inventory_levels"] = [
        {
            "inventory_item_id": item,
            "location_id": place["id"],
            "available": dice.randrange(90),
            "updated_at": _time(END),
        }
        for place in rows["locations"]
        for item in range(1, 9)
    ]
    return rows


def _row(dice: Random, name: str, fields: list[str], id: int, life: Life) -> Row:
    created, updated = _time(life.created), _time(life.updated)
    ended = sometimes(dice, updated, share=0.3)
    known = {"id": id, "created_at": created, "updated_at": updated, "admin_graphql_api_id": f"gid://shopify/{id}"}
    known |= dict.fromkeys(("published_at", "starts_at"), created) | {"processed_at": updated}
    known |= {"completed_at": None, "cancelled_at": None, "closed_at": ended}
    known |= {"status": dice.choice(_STATES.get(name, ("active",)))}
    if name == "events":
        known["created_at"] = updated
    return {field: known[field] if field in known else _PLAIN[field](dice) for field in fields}


def _lists_of_order(dice: Random, order: Row) -> Row:
    """Make the lines of an order, and of some orders refunds and fulfillments."""
    lines = [
        {
            "id": dice.getrandbits(44),
            "title": "Añual",
            "quantity": dice.randint(1, 5),
            "price": "19.90",
            "properties": [],
        }
        for _ in range(dice.randint(1, 4))
    ]
    refund = {"id": dice.getrandbits(44), "order_id": order["id"], "created_at": order["updated_at"], "note": None}
    shipped = _part(dice, order, "order_id", status="success", tracking_numbers=["1Z"], line_items=lines)
    return {
        "line_items": lines,
        "refunds": [refund] if dice.random() < 0.1 else [],
        "fulfillments": [shipped] if dice.random() < 0.7 else [],
    }


def _part(dice: Random, parent: Row, column: str, **fields: Any) -> Row:
    times = {"created_at": parent["created_at"], "updated_at": parent["updated_at"]}
    return {"id": dice.getrandbits(44), column: parent["id"], **times, **fields}


def _transaction(dice: Random, order: Row) -> Row:
    one = {"id": dice.getrandbits(44), "order_id": order["id"], "kind": "sale", "amount": order["total_price"]}
    return {**one, "created_at": order["created_at"], "status": "success", "currency": "EUR", "receipt": {}}


def _time(at: datetime) -> str:
    return at.astimezone(SHOP_ZONE).isoformat(timespec="seconds")
