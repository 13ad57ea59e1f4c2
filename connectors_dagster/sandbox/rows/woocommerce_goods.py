"""The products of the WooCommerce shop, and their categories, tags and attributes."""

from random import Random

from connectors_dagster.sandbox.rows.draw import Recipe, Row, decimal, sometimes
from connectors_dagster.sandbox.rows.goods import COLOURS, slug, thing
from connectors_dagster.sandbox.rows.storefront_parts import links, stamps
from connectors_dagster.sandbox.rows.timeline import Life, lives

_CATEGORIES = ("Living", "Kitchen", "Outdoor")
_BRANDS = ("Añual", "Tōkai")
_TAGS = ("new", "handmade", "vegan")


def build_goods(recipe: Recipe) -> dict[str, list[Row]]:
    """Make products, and their categories, tags and attributes."""
    dice = recipe.dice("woocommerce/products")
    moments = lives(dice, recipe.amount(600))
    attribute = {"id": 1, "name": "Colour", "slug": "pa_colour", "type": "select", "order_by": "menu_order"}
    colours = [
        {"parent": 1, "menu_order": n, **_term(60 + n, name, "products/attributes/1/terms")}
        for n, name in enumerate(COLOURS)
    ]
    return {
        "products": [_product(dice, number, life) for number, life in enumerate(moments, start=1)],
        "product_attributes": [{**attribute, "has_archives": False, "_links": links("products/attributes", 1)}],
        "product_attribute_terms": colours,
        "product_categories": [
            {
                **_term(20 + n, name, "products/categories"),
                "parent": 0,
                "menu_order": n,
                "display": "default",
                "image": _image(20 + n),
            }
            for n, name in enumerate(_CATEGORIES)
        ],
        "product_shipping_classes": [_term(40, "Bulky", "products/shipping_classes")],
        "product_brands": [_term(60 + n, name, "products/brands") for n, name in enumerate(_BRANDS)],
        "product_tags": [_term(50 + n, name, "products/tags") for n, name in enumerate(_TAGS)],
    }


def variations(product: Row) -> list[Row]:
    """Make the variations of a product, one per colour."""
    return [
        {
            "parent": product["id"],
            "id": number,
            **{name: product[name] for name in _SHARED},
            "sku": f"{product['sku']}-{colour[:3]}",
            "manage_stock": "parent" if colour == "black" else True,
            "stock_quantity": 3,
            "image": _image(number),
            "attributes": [{"id": 1, "name": "Colour", "option": colour}],
            "meta_data": [],
            "_links": links(f"products/{product['id']}/variations", number),
        }
        for number, colour in zip(product["variations"], COLOURS, strict=False)
    ]


_SHARED = (
    "date_created", "date_created_gmt", "date_modified", "date_modified_gmt", "status", "price", "regular_price",
    "sale_price", "on_sale", "virtual", "downloadable", "downloads", "tax_status", "tax_class", "dimensions", "weight",
)  # fmt: skip


def _product(dice: Random, number: int, life: Life) -> Row:
    item, variable = thing(dice, number), number % 3 == 0
    price = decimal(item.cents)
    return {
        "id": number,
        "name": item.name,
        "slug": slug(item.name),
        **stamps("date_created", life.created),
        **stamps("date_modified", life.updated),
        "type": "variable" if variable else "simple",
        "status": dice.choice(("publish", "publish", "draft")),
        "featured": dice.random() < 0.1,
        "catalog_visibility": "visible",
        "description": f"<p>{item.name}</p>",
        "sku": item.sku,
        "price": price,
        "regular_price": price,
        "sale_price": "",
        "on_sale": False,
        "virtual": False,
        "downloadable": False,
        "downloads": [],
        "tax_status": "taxable",
        "tax_class": "",
        "manage_stock": not variable,
        "stock_quantity": sometimes(dice, dice.randrange(50), share=0.8),
        "stock_status": "instock",
        "weight": "1.5",
        "dimensions": {"length": "10", "width": "20", "height": ""},
        "average_rating": "4.50",
        "rating_count": dice.randrange(9),
        "parent_id": 0,
        "categories": [{"id": 20, "name": _CATEGORIES[0], "slug": slug(_CATEGORIES[0])}],
        "tags": [],
        "images": [_image(number)],
        "attributes": [],
        "variations": [10_000 + number * 10 + n for n in range(2)] if variable else [],
        "meta_data": [],
        "_links": links("products", number),
    }


def _term(number: int, name: str, path: str) -> Row:
    term = {"id": number, "name": name, "slug": slug(name), "description": "", "count": number % 7}
    return {**term, "_links": links(path, number)}


def _image(number: int) -> Row:
    return {"id": number + 70_000, "src": f"https://shop.example/{number}.jpg", "name": "", "alt": ""}
