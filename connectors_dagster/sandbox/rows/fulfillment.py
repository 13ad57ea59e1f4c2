"""The fulfillment warehouse: customers and products; orders have their own file."""

from random import Random

from connectors_dagster.sandbox.rows.draw import Recipe, Row, sometimes
from connectors_dagster.sandbox.rows.fulfillment_orders import order, stamp
from connectors_dagster.sandbox.rows.goods import thing
from connectors_dagster.sandbox.rows.people import Place, person, place
from connectors_dagster.sandbox.rows.timeline import Life, lives, one_by_then

_WAREHOUSES = (18, 19)


def build_rows(recipe: Recipe) -> dict[str, list[Row]]:
    """Make customers, products, and orders that refer to both."""
    dice = recipe.dice("fulfillment/customers")
    customers = [_customer(dice, number) for number in range(1, recipe.amount(150) + 1)]
    dice = recipe.dice("fulfillment/products")
    moments = lives(dice, recipe.amount(200))
    products = [_product(dice, number, life) for number, life in enumerate(moments, start=3_001)]
    dice = recipe.dice("fulfillment/orders")
    orders = [
        order(dice, number, life=life, customer=dice.choice(customers), products=_bought(dice, products, life))
        for number, life in enumerate(lives(dice, recipe.amount(600)), start=7_001)
    ]
    return {"customers": customers, "products": products, "orders": orders}


def _customer(dice: Random, number: int) -> Row:
    who, where = person(dice, number), place(dice)
    names = {"name": who.company or who.name, "contactname": who.name if who.company else None}
    return {
        "idcustomer": number,
        "idtemplate": sometimes(dice, 11, share=0.1),
        "customerid": f"C{number:05d}",
        **names,
        "telephone": sometimes(dice, who.phone, share=0.8),
        "emailaddress": who.email,
        "discount": dice.choice((0, 0, 0, 5)),
        "vatnumber": sometimes(dice, f"NL{number:09d}B01", share=0.3),
        "calculatevat": dice.random() < 0.9,
        "default_order_remarks": None,
        "auto_split": True,
        "language": where.country.lower(),
        "remarks": sometimes(dice, "Levering vóór 12:00", share=0.2),
        "comment_count": dice.randrange(3),
        "addresses": [{"idcustomer_address": number * 10, **names, **_address(where)}],
        "tags": _tags(dice),
    }


def _address(where: Place) -> Row:
    return {
        "address": where.street,
        "address2": None,
        "zipcode": where.postcode,
        "city": where.city,
        "region": where.region or None,
        "country": where.country,
        "defaultinvoice": True,
        "defaultdelivery": True,
    }


def _product(dice: Random, number: int, life: Life) -> Row:
    item, kind = thing(dice, number), dice.choice(("normal", "normal", "unlimited_stock"))
    return {
        "idproduct": number,
        "idvatgroup": 1,
        "name": item.name,
        "price": item.cents / 100,
        "fixedstockprice": sometimes(dice, item.cents / 200, share=0.6),
        "productcode": item.sku,
        "productcode_supplier": sometimes(dice, f"S-{number}", share=0.5),
        **_measures(dice),
        "description": sometimes(dice, f"{item.name} — handgemaakt", share=0.7),
        "barcode": sometimes(dice, f"87{dice.randrange(10**11):011d}", share=0.9),
        "type": kind,
        "unlimitedstock": kind == "unlimited_stock",
        "assembled": False,
        "active": dice.random() < 0.92,
        "show_on_portal": True,
        "comment_count": dice.randrange(2),
        "created": stamp(life.created),
        "updated": stamp(life.updated),
        **_lists(dice),
    }


def _lists(dice: Random) -> Row:
    season = {"idproductfield": 5, "title": "Season", "value": dice.choice(("summer", "winter"))}
    return {
        "productfields": [season],
        "images": [],
        "pricelists": [],
        "tags": _tags(dice),
        "stock": [_stock(dice, warehouse) for warehouse in _WAREHOUSES],
    }


def _bought(dice: Random, products: list[Row], life: Life) -> list[Row]:
    return [one_by_then(dice, products, life.created) for _ in range(dice.randint(1, 3))]


def _measures(dice: Random) -> Row:
    return {
        "weight": dice.randrange(50, 4_000),
        "length": sometimes(dice, dice.randrange(5, 80), share=0.8),
        "width": sometimes(dice, dice.randrange(5, 80), share=0.8),
        "height": sometimes(dice, dice.randrange(5, 80), share=0.8),
        "deliverytime": sometimes(dice, dice.randrange(1, 15), share=0.5),
        "minimum_purchase_quantity": 1,
        "purchase_in_quantities_of": 1,
        "hs_code": sometimes(dice, "94055000", share=0.4),
        "country_of_origin": dice.choice(("NL", "CN", "PT", None)),
    }


def _stock(dice: Random, warehouse: int) -> Row:
    stock, reserved = dice.randrange(50, 200), dice.randrange(40)
    return {
        "idwarehouse": warehouse,
        "stock": stock,
        "reserved": reserved,
        "reservedbackorders": 0,
        "reservedpicklists": reserved,
        "reservedallocations": 0,
        "freestock": stock - reserved,
    }


def _tags(dice: Random) -> Row | list[Row]:
    """Draw tags by title; like many PHP programs, the API writes an empty object as an empty list."""
    titles = dice.sample(("fragile", "VIP", "breekbaar"), k=dice.randrange(3))
    return {title: {"title": title, "inherit": False, "color": "#5993be"} for title in titles} or []
