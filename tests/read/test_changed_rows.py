"""Rows are changed and filtered on their way from a page to the table."""

from collections.abc import Iterator
from typing import Any

import pytest

from connectors_dagster import Cursor, ResourceOptions, Transformation
from connectors_dagster.errors import RowError
from tests.support.requested import Asked, Requested, connector_of, load_resources

JANUARY, FEBRUARY = "2024-01-01", "2024-01-31"
PAGES = {"type": "offset", "limit": 2, "total_path": "total"}
ORDERS = {
    "name": "orders",
    "primary_key": "number",
    "write_disposition": "merge",
    "endpoint": {"path": "/orders", "incremental": {"cursor_path": "changed"}, "paginator": PAGES},
}
LINES = {
    "name": "lines",
    "primary_key": ["_orders_number", "id"],
    "write_disposition": "merge",
    "include_from_parent": ["number"],
    "endpoint": {"path": "/orders/{resources.orders.number}/lines"},
}
CHANGES = (
    Transformation(add_fields={"number": "{{ record.head.number }}", "changed": "{{ record.head.changed }}"}),
    Transformation(remove_fields=("head",)),
)


def order(number: int, at: str, status: str = "paid") -> dict[str, Any]:
    return {"head": {"number": number, "changed": f"{at}T00:00:00Z"}, "status": status}


@pytest.fixture
def api() -> Iterator[Requested]:
    with Requested().served() as api:
        yield api


def test_keys_cursors_windows_and_children_see_the_changed_row_and_pages_are_checked_before(api, warehouse, tmp_path):
    rows = [order(n, at) for n, at in enumerate(["2024-01-05", "2024-02-05", "2024-01-30", "2024-01-31"], 1)]
    rows[1:1] = [order(8, "2024-01-06", "draft"), order(9, "2024-01-07", "draft")]

    def answer(asked: Asked) -> Any:
        if asked.path.endswith("lines"):
            return {"data": [{"id": 1, "kind": "gift"}, {"id": 2}]}
        at = int(asked.query["offset"])
        return {"data": rows[at : at + 2], "total": len(rows)}

    api.answer = answer
    options = {
        "orders": ResourceOptions(
            cursor=Cursor(), record_filter="{{ record.status != 'draft' }}", transformations=CHANGES
        ),
        "lines": ResourceOptions(
            record_filter="{{ not record.kind }}",
            transformations=(Transformation(add_fields={"order_number": "{{ parent.number }}"}),),
        ),
    }
    connector = connector_of(tmp_path, api.url, ORDERS, LINES, options=options)
    stats = load_resources(connector, JANUARY, FEBRUARY)
    assert warehouse.query("SELECT number, status FROM shop.orders ORDER BY 1") == [(n, "paid") for n in (1, 2, 3, 4)]
    columns = {name for (name,) in warehouse.query("SELECT column_name FROM (DESCRIBE shop.orders)")}
    assert {"changed", "head"} & columns == {"changed"}
    assert warehouse.query("SELECT _orders_number, order_number, id FROM shop.lines ORDER BY 1") == [
        (n, n, 2) for n in (1, 2, 3, 4)
    ]
    by_window = {slice_.window.key: found for slice_, found in stats["orders"].items() if slice_}
    assert [by_window[key].rows for key in (JANUARY, FEBRUARY)] == [2, 2]
    assert by_window[JANUARY].filtered == 2
    assert sum(found.filtered for found in stats["lines"].values()) == 4


def test_a_row_that_cannot_be_changed_fails_the_load_and_says_which_expression(api, warehouse, tmp_path):
    plan = {"name": "plan", "primary_key": "id", "write_disposition": "merge", "endpoint": {"path": "/plan"}}
    options = {"plan": ResourceOptions(transformations=(Transformation(add_fields={"a": "{{ record.b.c }}"}),))}
    api.answer = lambda _: {"data": [{"id": 1}]}
    connector = connector_of(tmp_path, api.url, plan, options=options)
    with pytest.raises(RowError, match=r"shop/plan: a row cannot be changed: '{{ record\.b\.c }}' cannot be rendered"):
        load_resources(connector)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ parent.id }}", "reads parent, of which only nothing is known"),
        ("{{ each.region }}", "reads each, of which only nothing is known"),
    ],
)
def test_an_expression_over_something_that_the_resource_lacks_is_refused(tmp_path, text, message):
    options = {"orders": ResourceOptions(cursor=Cursor(), record_filter=text)}
    with pytest.raises(ValueError, match=message):
        connector_of(tmp_path, "http://127.0.0.1:1", ORDERS, options=options)
