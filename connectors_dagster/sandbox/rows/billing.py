"""Billing: builds its twelve resources, starting with those that others refer to."""

from connectors_dagster.sandbox.rows import billing_goods, billing_log, billing_parties, billing_sales
from connectors_dagster.sandbox.rows.draw import Recipe, Row


def build_rows(recipe: Recipe) -> dict[str, list[Row]]:
    """Make all resources, each referring to rows that exist."""
    rows = {
        "customers": billing_parties.build_customers(recipe),
        "discounts": billing_goods.build_discounts(recipe),
        "products": billing_goods.build_products(recipe),
        "event_types": billing_log.build_event_types(),
        "reports": billing_log.build_reports(recipe),
        "ip_addresses": billing_log.build_ip_addresses(),
    }
    rows["customer_addresses"] = billing_parties.build_addresses(recipe, rows["customers"])
    rows["businesses"] = billing_parties.build_businesses(recipe, rows["customers"])
    rows["prices"] = billing_goods.build_prices(recipe, rows["products"])
    shop = billing_sales.Shop(
        addresses=rows["customer_addresses"],
        businesses={business["customer_id"]: business for business in rows["businesses"]},
        discounts=rows["discounts"],
        prices=rows["prices"],
    )
    rows["subscriptions"] = billing_sales.build_subscriptions(recipe, shop)
    rows["transactions"] = billing_sales.build_transactions(recipe, shop, rows["subscriptions"])
    rows["events"] = billing_log.build_events(recipe, rows)
    return rows
