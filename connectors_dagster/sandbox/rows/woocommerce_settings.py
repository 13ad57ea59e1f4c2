"""Settings of the WooCommerce shop: taxes, zones, methods, gateways and tools; these lists do not grow."""

from connectors_dagster.sandbox.rows.draw import Row
from connectors_dagster.sandbox.rows.storefront_parts import links

_ZONES = ("Everywhere else", "Nederland", "België & Luxembourg")
# The same country is in two zones: the key of a location is unique only together with the zone.
_LOCATIONS = ((1, "NL", "country"), (2, "BE", "country"), (2, "LU", "country"), (2, "NL", "country"))
_METHODS = ((1, 1, "flat_rate"), (1, 2, "local_pickup"), (2, 3, "flat_rate"))
_RATES = (("NL", "21.0000", ""), ("NL", "9.0000", "reduced-rate"), ("BE", "21.0000", ""))
_TOOLS = ("clear_transients", "recount_terms")


def build_settings() -> dict[str, list[Row]]:
    """Make the lists that a merchant sets up once."""
    return {
        "payment_gateways": [_gateway("bacs", 0), _gateway("cheque", "")],
        "shipping_methods": [
            {"id": name, "title": name, "description": "", "_links": {}} for name in ("flat_rate", "local_pickup")
        ],
        "shipping_zones": [
            {"id": n, "name": name, "order": n, "_links": links("shipping/zones", n)} for n, name in enumerate(_ZONES)
        ],
        "shipping_zone_locations": [
            {"parent": zone, "code": code, "type": kind, "_links": {}} for zone, code, kind in _LOCATIONS
        ],
        "shipping_zone_methods": [_zone_method(*method) for method in _METHODS],
        "system_status_tools": [
            {"id": name, "name": name.title(), "action": "Run", "description": "…", "_links": {}} for name in _TOOLS
        ],
        "general_settings": [
            {"id": name, "label": name.title(), "type": "text", "default": "", "value": value, "_links": {}}
            for name, value in (
                ("woocommerce_currency", "EUR"),
                ("woocommerce_specific_allowed_countries", ["NL", "BE"]),
            )
        ],
        "tax_classes": [
            {"slug": slug, "name": slug.title(), "_links": {}} for slug in ("standard", "reduced-rate", "zero-rate")
        ],
        "tax_rates": [_rate(number, *rate) for number, rate in enumerate(_RATES, start=75)],
    }


def _gateway(name: str, order: int | str) -> Row:
    return {
        "id": name,
        "title": name.title(),
        "description": "",
        "order": order,
        "enabled": order == 0,
        "method_title": name.title(),
        "method_description": "",
        "method_supports": ["products"],
        "settings": {"secret_key": {"id": "secret_key", "type": "password", "value": "never to be loaded"}},
        "_links": {},
    }


def _zone_method(zone: int, number: int, name: str) -> Row:
    return {
        "parent": zone,
        "instance_id": number,
        "title": name,
        "order": number,
        "enabled": True,
        "method_id": name,
        "method_title": name,
        "method_description": "",
        "settings": {"cost": {"id": "cost", "label": "Cost", "type": "text", "value": "4.95"}},
        "_links": {},
    }


def _rate(number: int, country: str, rate: str, tax_class: str) -> Row:
    return {
        "id": number,
        "country": country,
        "state": "",
        "postcode": "",
        "city": "",
        "postcodes": [],
        "cities": [],
        "rate": rate,
        "name": "VAT",
        "priority": 1,
        "compound": False,
        "shipping": True,
        "order": number,
        "class": tax_class or "standard",
        "_links": links("taxes", number),
    }
