"""The storefront's orders, about 2 KB each."""

from datetime import timedelta
from random import Random

from connectors_dagster.sandbox.rows.draw import Row, decimal, ip_address, sometimes, token
from connectors_dagster.sandbox.rows.goods import thing
from connectors_dagster.sandbox.rows.storefront_parts import links, stamps
from connectors_dagster.sandbox.rows.timeline import Life

_TAX_PERCENT = 21
_SHIPPING_CENTS = 495
_STATUSES = ("completed", "completed", "completed", "processing", "on-hold", "cancelled", "refunded")
_PAID = ("completed", "processing", "refunded")
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0"


def order(dice: Random, number: int, *, life: Life, customer: Row, coupon: Row) -> Row:
    """Draw an order of an existing customer, sometimes with an existing coupon."""
    status = dice.choice(_STATUSES)
    lines = [_line(dice, number * 10 + position) for position in range(dice.choice((1, 1, 1, 2)))]
    discount = dice.randrange(50, 250) if dice.random() < 0.2 else 0
    return {
        **_head(dice, number, status),
        **_dates(life, status),
        **_totals(lines, discount),
        **_buyer(dice, customer),
        **_payment(dice, paid=status in _PAID),
        "meta_data": [{"id": number * 10, "key": "is_vat_exempt", "value": "no"}],
        "line_items": lines,
        "tax_lines": [_tax_line(number, _tax(_cents(lines)))],
        "shipping_lines": [_shipping_line(number)],
        "fee_lines": [],
        "coupon_lines": [_coupon_line(number, coupon, discount)] if discount else [],
        "refunds": _refunds(number, lines) if status == "refunded" else [],
        "_links": links("orders", number),
    }


def _head(dice: Random, number: int, status: str) -> Row:
    return {
        "id": number,
        "parent_id": 0,
        "number": str(number),
        "order_key": f"order_{token(dice, 13)}",
        "created_via": dice.choice(("checkout", "checkout", "admin")),
        "version": "9.1.2",
        "status": status,
        "currency": "EUR",
        "prices_include_tax": False,
        "cart_hash": token(dice, 32).lower(),
    }


def _dates(life: Life, status: str) -> Row:
    paid = min(life.created + timedelta(minutes=3), life.updated) if status in _PAID else None
    return {
        **stamps("date_created", life.created),
        **stamps("date_modified", life.updated),
        **stamps("date_paid", paid),
        **stamps("date_completed", life.updated if status == "completed" else None),
    }


def _totals(lines: list[Row], discount: int) -> Row:
    cents = _cents(lines)
    tax = _tax(cents)
    return {
        "discount_total": decimal(discount),
        "discount_tax": decimal(0),
        "shipping_total": decimal(_SHIPPING_CENTS),
        "shipping_tax": decimal(0),
        "cart_tax": decimal(tax),
        "total": decimal(cents + tax + _SHIPPING_CENTS - discount),
        "total_tax": decimal(tax),
    }


def _buyer(dice: Random, customer: Row) -> Row:
    return {
        "customer_id": customer["id"],
        "customer_ip_address": sometimes(dice, ip_address(dice), share=0.9),
        "customer_user_agent": sometimes(dice, _AGENT, share=0.9),
        "customer_note": dice.choice(("", "", "", "Bitte klingeln — danke! 🙏")),
        "billing": dict(customer["billing"]),
        "shipping": dict(customer["shipping"]),
    }


def _payment(dice: Random, *, paid: bool) -> Row:
    method, title = dice.choice((("card", "Credit card"), ("ideal", "iDEAL"), ("bacs", "Bank transfer")))
    transaction = f"tr_{token(dice, 10)}" if paid else ""
    return {"payment_method": method, "payment_method_title": title, "transaction_id": transaction}


def _line(dice: Random, number: int) -> Row:
    product_id, quantity = dice.randrange(1, 200), dice.randint(1, 3)
    item = thing(dice, product_id)
    cents = item.cents * quantity
    total, tax = decimal(cents), decimal(_tax(cents))
    return {
        "id": number,
        "name": item.name,
        "product_id": product_id,
        "variation_id": 0,
        "quantity": quantity,
        "tax_class": "",
        "subtotal": total,
        "subtotal_tax": tax,
        "total": total,
        "total_tax": tax,
        "taxes": [{"id": 75, "total": tax, "subtotal": tax}],
        "meta_data": [],
        "sku": item.sku,
        "price": item.cents / 100,
    }


def _tax_line(number: int, tax: int) -> Row:
    rate = {"rate_id": 75, "rate_code": "VAT-21", "label": "VAT", "compound": False}
    totals = {"tax_total": decimal(tax), "shipping_tax_total": decimal(0)}
    return {"id": number * 10 + 7, **rate, **totals, "meta_data": []}


def _shipping_line(number: int) -> Row:
    total = decimal(_SHIPPING_CENTS)
    line = {"id": number * 10 + 8, "method_title": "Flat rate", "method_id": "flat_rate", "total": total}
    return {**line, "total_tax": decimal(0), "taxes": [], "meta_data": []}


def _coupon_line(number: int, coupon: Row, discount: int) -> Row:
    line = {"id": number * 10 + 9, "code": coupon["code"], "discount": decimal(discount)}
    return {**line, "discount_tax": decimal(0), "meta_data": []}


def _refunds(number: int, lines: list[Row]) -> list[Row]:
    return [{"id": number + 1_000_000, "reason": "", "total": f"-{decimal(_cents(lines))}"}]


def _cents(lines: list[Row]) -> int:
    return sum(round(line["price"] * 100) * line["quantity"] for line in lines)


def _tax(cents: int) -> int:
    return cents * _TAX_PERCENT // 100
