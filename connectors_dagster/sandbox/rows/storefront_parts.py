"""What all rows of the storefront have in common."""

from datetime import datetime

from connectors_dagster.sandbox.rows.draw import Row
from connectors_dagster.sandbox.rows.timeline import SHOP_ZONE

_ROOT = "https://shop.example/storefront"


def stamps(name: str, at: datetime | None) -> Row:
    """Write a time twice: in the shop's local time, and in UTC under `<name>_gmt`; neither has a time zone."""
    if at is None:
        return {name: None, f"{name}_gmt": None}
    return {name: f"{at.astimezone(SHOP_ZONE):%Y-%m-%dT%H:%M:%S}", f"{name}_gmt": f"{at:%Y-%m-%dT%H:%M:%S}"}


def links(resource: str, number: int) -> Row:
    """Write the links that every row ends with."""
    collection = f"{_ROOT}/{resource}"
    return {"self": [{"href": f"{collection}/{number}"}], "collection": [{"href": collection}]}
