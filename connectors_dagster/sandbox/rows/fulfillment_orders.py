"""The fulfillment warehouse's orders."""

from datetime import datetime
from random import Random

from connectors_dagster.sandbox.rows.draw import Row, sometimes, token
from connectors_dagster.sandbox.rows.timeline import Life

_STATUSES = (
    "completed",
    "completed",
    "completed",
    "processing",
    "concept",
    "expected",
    "paused",
    "cancelled",
)


def stamp(at: datetime) -> str:
    """Write a time in UTC with a space and without a time zone."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def order(dice: Random, number: int, *, life: Life, customer: Row, products: list[Row]) -> Row:
    """Draw an order of existing products for an existing customer."""
    status = dice.choice(_STATUSES)
    return {
        "idorder": number,
        "idcustomer": customer["idcustomer"],
        "idtemplate": 11,
        "idshippingprovider_profile": sometimes(dice, 42, share=0.6),
        "orderid": f"O{life.created:%Y}-{number}",
        **_address(customer, "delivery"),
        **_address(customer, "invoice"),
        "telephone": customer["telephone"],
        "emailaddress": customer["emailaddress"],
        "reference": sometimes(dice, f"Webshop {number}", share=0.7),
        "customer_remarks": sometimes(dice, "Graag bij de buren", share=0.1),
        **_handling(dice, status),
        "created": stamp(life.created),
        "updated": stamp(life.updated),
        "public_status_page": f"https://fulfillment.example/s/{token(dice, 12)}",
        "products": [_line(dice, number * 10 + n, item) for n, item in enumerate(products)],
        "picklists": [{"idpicklist": number * 3}] if status == "completed" else [],
        "orderfields": [],
        "tags": [],
        "warehouses": [18, 19],
    }


def _handling(dice: Random, status: str) -> Row:
    return {
        "status": status,
        "invoiced": status == "completed",
        "partialdelivery": dice.random() < 0.5,
        "auto_split": True,
        "discount": dice.choice((0, 0, 10)),
        "calculatevat": True,
        "via_portal": dice.random() < 0.1,
        "language": "nl",
        "comment_count": dice.randrange(3),
    }


def _address(customer: Row, use: str) -> Row:
    address = customer["addresses"][0]
    parts = ("name", "contactname", "address", "address2", "zipcode", "city", "region", "country")
    full = f"{address['name']}\n{address['address']}\n{address['zipcode']} {address['city']}"
    return {**{f"{use}{part}": address[part] for part in parts}, f"full_{use}_address": full}


def _line(dice: Random, number: int, item: Row) -> Row:
    kept = ("idproduct", "idvatgroup", "productcode", "name", "price", "weight")
    return {
        "idorder_product": number,
        **{column: item[column] for column in kept},
        "remarks": None,
        "amount": dice.randint(1, 4),
        "amount_cancelled": 0,
        "has_parts": False,
    }
