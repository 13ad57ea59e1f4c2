"""The order as a JSON schema, which Airbyte and Singer require."""

from typing import Any

INTEGERS = "id customer_id parent_id"
BOOLEANS = "prices_include_tax"
OBJECTS = "_links billing shipping"
ARRAYS = "coupon_lines fee_lines line_items meta_data refunds shipping_lines tax_lines"
INSTANTS = """
    date_completed date_completed_gmt date_created date_created_gmt
    date_modified date_modified_gmt date_paid date_paid_gmt
"""
TEXTS = """
    cart_hash cart_tax created_via currency customer_ip_address customer_note customer_user_agent discount_tax
    discount_total number order_key payment_method payment_method_title shipping_tax shipping_total status total
    total_tax transaction_id version
"""


def order_schema() -> dict[str, Any]:
    """Build the schema: every field except the key may be null."""
    kinds = {
        "integer": INTEGERS,
        "boolean": BOOLEANS,
        "object": OBJECTS,
        "array": ARRAYS,
        "string": TEXTS,
    }
    fields = {name: {"type": ["null", kind]} for kind, names in kinds.items() for name in names.split()}
    instants = {name: {"type": ["null", "string"], "format": "date-time"} for name in INSTANTS.split()}
    return {"type": "object", "properties": {**fields, **instants, "id": {"type": "integer"}}}
