"""The Picqer warehouse: a tenth of the fulfillment warehouse's rows, and other lists of a warehouse."""

from dataclasses import replace
from itertools import count

from connectors_dagster.sandbox.rows import fulfillment
from connectors_dagster.sandbox.rows.draw import Recipe, Row
from connectors_dagster.sandbox.rows.fulfillment_orders import stamp
from connectors_dagster.sandbox.rows.timeline import lives

_WAREHOUSES = ((18, "Marconistraat"), (19, "Utrechtseweg"))
_ADDRESS = {"address": "Kade 1", "zipcode": "1011 AB", "city": "Amsterdam", "country": "NL"}


def build_rows(recipe: Recipe) -> dict[str, list[Row]]:
    """Make all lists; a row under a warehouse names it in `parent`, which is not served."""
    small = replace(recipe, scale=recipe.scale / 10)
    house = fulfillment.build_rows(small)
    whole, part = house["products"][0], house["products"][-1]
    whole["type"] = "virtual_composition"
    return {
        **house,
        **_lists(),
        "products_stock": [_shelf(warehouse, product) for warehouse, _ in _WAREHOUSES for product in house["products"]],
        "backorders": [_backorder(number, order) for number, order in enumerate(house["orders"][::5], start=1)],
        "returns": _returns(small, house["orders"]),
        "purchaseorders": _purchases(small, house["products"]),
        "locations": _locations("location", "A", 8),
        "containers": _locations("container", "C", 3),
        **_picking(small, house["orders"]),
        **_history(small, house["products"]),
        "product_parts": [
            {"idproduct_part": 1, "idproduct": part["idproduct"], "amount": 2, "parent": whole["idproduct"]}
        ],
    }


def _picking(recipe: Recipe, orders: list[Row]) -> dict[str, list[Row]]:
    """Make a picklist per order, with its shipment if it is closed, and the batches of the picklists."""
    dice = recipe.dice("picqer/picklists")
    picklists = [
        {
            "idpicklist": number,
            "picklistid": f"2024{number:04}",
            **{name: order[name] for name in ("idorder", "idcustomer", "created", "updated", "deliveryname")},
            "idwarehouse": 18,
            "status": dice.choice(("new", "closed", "closed", "cancelled")),
            "totalproducts": 2,
            "products": [],
        }
        for number, order in enumerate(orders, start=1)
    ]
    shipped = [picklist for picklist in picklists if picklist["status"] == "closed"]
    named = ("idpicklist", "idorder", "created", "updated")
    return {
        "picklists": picklists,
        "shipments": [
            {
                "idshipment": 7_000 + picklist["idpicklist"],
                **{name: picklist[name] for name in named},
                "provider": "PostNL",
            }
            for picklist in shipped
        ],
        "picklist_batches": [
            {
                "idpicklist_batch": number,
                "idwarehouse": 18,
                "type": "normal",
                "status": "completed",
                "total_picklists": 1,
                "created_at": picklist["created"],
                "updated_at": picklist["updated"],
            }
            for number, picklist in enumerate(shipped[::4], start=1)
        ],
    }


def _history(recipe: Recipe, products: list[Row]) -> dict[str, list[Row]]:
    """Make changes of stock, and the receipts that some of them come from."""
    moments = list(enumerate(lives(recipe.dice("picqer/stock_history"), recipe.amount(1_200)), start=1))
    changes = [
        {
            "idproduct": products[number % len(products)]["idproduct"],
            "idlocation": 1,
            "iduser": 1,
            "old_stock": 3,
            "stock_change": 4,
            "new_stock": 7,
            "change_type": "manual",
            "changed_at": stamp(life.updated),
        }
        for number, life in moments
    ]
    return {
        "stock_history": [
            {"idproduct_stock_history": number, "idwarehouse": 18, **change}
            for number, change in enumerate(changes, start=1)
        ],
        "location_stock_history": [
            {"idproduct_location_stock_history": number, **change} for number, change in enumerate(changes, start=1)
        ],
        "receipts": [
            {
                "idreceipt": number,
                "receiptid": f"R{number}",
                "version": 2,
                "status": "completed",
                "amount_received": 4,
                "created": stamp(life.created),
                "updated": stamp(life.updated),
                "products": [],
            }
            for number, life in moments[::6]
        ],
    }


def _shelf(warehouse: int, product: Row) -> Row:
    [stock] = [stock for stock in product["stock"] if stock["idwarehouse"] == warehouse]
    named = {"idproduct": product["idproduct"], "productcode": product["productcode"]}
    return {"parent": warehouse, **named, "stock": stock}


def _backorder(number: int, order: Row) -> Row:
    return {
        "idbackorder": number,
        "idorder": order["idorder"],
        "idproduct": order["products"][0]["idproduct"],
        "idcustomer": order["idcustomer"],
        "idwarehouse": 18,
        "amount": 2,
        "amount_available": 0,
        "priority": 2,
        "has_parts": False,
        "part_of_idbackorder": None,
        "parts_per_parent": None,
        "created_at": order["created"],
    }


def _returns(recipe: Recipe, orders: list[Row]) -> list[Row]:
    moments = lives(recipe.dice("picqer/returns"), recipe.amount(400))
    return [
        {
            "idreturn": number,
            "returnid": f"RET{number}",
            "idorder": order["idorder"],
            "idcustomer": order["idcustomer"],
            "idreturn_status": 1,
            "name": order["deliveryname"],
            **_ADDRESS,
            "language": "nl",
            "comment_count": 0,
            "created_at": stamp(life.created),
            "updated_at": stamp(life.updated),
            "returned_products": [],
            "replacement_products": [],
        }
        for number, life, order in zip(count(1), moments, orders, strict=False)
    ]


def _purchases(recipe: Recipe, products: list[Row]) -> list[Row]:
    moments = lives(recipe.dice("picqer/purchaseorders"), recipe.amount(400))
    kept = ("idproduct", "idvatgroup", "productcode", "name", "price", "weight")
    return [
        {
            "idpurchaseorder": number,
            "purchaseorderid": f"P{life.created:%Y}-{number}",
            "idsupplier": 5,
            "idwarehouse": 18,
            "supplier_name": "Tōkai Trading",
            "status": "received",
            "delivery_date": f"{life.updated:%Y-%m-%d}",
            "language": "nl",
            "comment_count": 0,
            "created": stamp(life.created),
            "updated": stamp(life.updated),
            "products": [{"idpurchaseorder_product": number, **{name: products[0][name] for name in kept}}],
        }
        for number, life in enumerate(moments, start=1)
    ]


def _locations(kind: str, letter: str, amount: int) -> list[Row]:
    first = 1 if kind == "location" else 1_001
    return [
        {
            "idlocation": first + number,
            "idwarehouse": 18,
            "parent_idlocation": None,
            "name": f"{letter}.{number}",
            "type": kind,
            "remarks": None,
            "location_type": {"idlocation_type": 1, "name": "Shelf", "default": True, "color": "#5993be"},
            "is_bulk_location": False,
            "is_exclusive_location": False,
            "unlink_on_empty": True,
        }
        for number in range(amount)
    ]


def _lists() -> dict[str, list[Row]]:
    """Make the lists that do not grow with a business."""
    return {
        "warehouses": [
            {"idwarehouse": n, "name": name, "accept_orders": True, "counts_for_general_stock": True, "active": True}
            for n, name in _WAREHOUSES
        ],
        "users": [
            {"iduser": n, "username": name, "admin": n == 1, "active": True, "updated_at": "2024-01-05 10:00:00"}
            for n, name in enumerate(("ada", "björn"), start=1)
        ],
        "suppliers": [{"idsupplier": 5, "name": "Tōkai Trading", **_ADDRESS, "active": True}],
        "tags": [{"idtag": 1, "title": "fragile", "color": "#5993be", "inherit": False, "textColor": "#fff"}],
        "templates": [{"idtemplate": 11, "name": "Standaard", "default": True}],
        "comments": [{"idcomment": 1, "body": "Handle with care", "author_type": "user", "source_type": "order"}],
        "customerfields": [{"idcustomerfield": 1, "title": "Region", "type": "text", "values": [], "required": False}],
        "orderfields": [{"idorderfield": 1, "title": "Gift", "type": "radio", "values": ["yes", "no"]}],
        "productfields": [{"idproductfield": 1, "title": "Season", "type": "text", "values": [], "required": False}],
        "pricelists": [{"idpricelist": 1, "name": "Export"}],
        "return_reasons": [{"idreturn_reason": 1, "name": "Broken"}],
        "return_statuses": [{"idreturn_status": 1, "name": "New"}],
        "fulfilment_customers": [{"idfulfilment_customer": 1, "name": "Tōkai Trading", "can_login": False}],
        "shipping_providers": [{"name": "PostNL"}],
        "vatgroups": [
            {"idvatgroup": 1, "name": "BTW 21%", "percentage": 21},
            {"idvatgroup": 2, "name": "BTW 9%", "percentage": 9.5},
        ],
    }
