"""Rows that the API no longer returns: children of a parent that was read again, and rows of tables read whole."""

from dataclasses import replace

import pytest
import yaml

from connectors_dagster import Connector, ResourceOptions, Setting, load_connectors
from connectors_dagster.errors import LoadError
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from tests.support.rows import NOW, address, customer
from tests.support.shop import AUTH, things
from tests.support.wire import reply

FAMILY = ("billing/customers", "billing/customer_addresses")


def catalog(missing: str):
    """The shipped catalog with another treatment of missing rows."""
    return replace(load_connectors()["catalog"], resources={"ecommerce_data": ResourceOptions(missing_rows=missing)})


def load_catalog(missing: str, *, accept_loss: bool = False) -> int:
    """Load the catalog; returns the number of missing rows."""
    resource = catalog(missing).graph["ecommerce_data"]
    with loading(LoadRequest(now=NOW, resources=[resource], accept_loss=accept_loss)) as load:
        outcome = load.outcomes["ecommerce_data"]
        if outcome.error:
            raise outcome.error
        return outcome.stats_by_slice[None].missing_rows


def products(*ids: int) -> list[dict]:
    return [{"id": id, "name": f"Product {id}"} for id in ids]


def test_a_parent_with_fewer_children_than_before_has_exactly_those_that_are_left(api, warehouse, load):
    api.set("billing/customers", [customer("ctm_1"), customer("ctm_2")])
    api.set("billing/customer_addresses", [address("a", "ctm_1"), address("b", "ctm_1"), address("c", "ctm_2")])
    load(*FAMILY)
    api.set("billing/customer_addresses", [address("b", "ctm_1"), address("c", "ctm_2")])
    stats_by_slice = load(*FAMILY)["billing/customer_addresses"]
    assert warehouse.ids("billing.customer_addresses") == ["b", "c"]
    assert stats_by_slice[None].missing_rows == 1


def test_a_parent_without_children_any_more_has_none_in_the_table(api, warehouse, load):
    api.set("billing/customers", [customer("ctm_1"), customer("ctm_2")])
    api.set("billing/customer_addresses", [address("a", "ctm_1"), address("c", "ctm_2")])
    load(*FAMILY)
    api.set("billing/customer_addresses", [address("c", "ctm_2")])
    load("billing/customer_addresses")
    assert warehouse.ids("billing.customer_addresses") == ["c"]


def test_children_of_a_parent_that_was_not_read_again_stay(api, warehouse, load):
    api.set("billing/customers", [customer("ctm_1"), customer("ctm_2")])
    api.set("billing/customer_addresses", [address("a", "ctm_1"), address("c", "ctm_2")])
    load(*FAMILY)
    api.set("billing/customers", [customer("ctm_2")])
    load(*FAMILY)
    assert warehouse.ids("billing.customer_addresses") == ["a", "c"]


def family(folder, **missing: str):
    """Orders, their lines, and the parts of the lines."""
    schema = folder / "shop.schema.yaml"
    columns = {"id": {"data_type": "bigint", "nullable": False}}
    schema.write_text(yaml.safe_dump({"tables": {name: {"columns": columns} for name in ("orders", "lines", "parts")}}))
    below = {"include_from_parent": ["id"], "primary_key": "id", "write_disposition": "merge"}
    resources = [
        {"name": "orders", "primary_key": "id", "write_disposition": "merge", "endpoint": "/orders"},
        {"name": "lines", "endpoint": "/orders/{resources.orders.id}/lines", **below},
        {"name": "parts", "endpoint": "/lines/{resources.lines.id}/parts", **below},
    ]
    connector = Connector(
        name="shop",
        description="A shop",
        schema=schema,
        resources={name: ResourceOptions(missing_rows=treatment) for name, treatment in missing.items()},
        config={
            "client": {"base_url": Setting("base_url"), "auth": AUTH["bearer"]},
            "resource_defaults": {"endpoint": {"data_selector": "data", "paginator": "single_page"}},
            "resources": resources,
        },
    )
    return list(connector.graph.values())


@pytest.fixture
def load_family(shop, tmp_path, monkeypatch):
    """Load orders with a line and a part each, whose ids are 10 and 100 times that of the order."""
    monkeypatch.setenv("SOURCES__SHOP__MAX_PARALLEL_REQUESTS", "1")

    def load_(*orders: int, **missing: str) -> None:
        pages = [orders, *([order * 10] for order in orders), *([order * 100] for order in orders)]
        shop.replies = [reply({"data": [{"id": id} for id in page]}) for page in pages]
        with loading(LoadRequest(now=NOW, resources=family(tmp_path, **missing))) as load:
            assert [outcome.error for outcome in load.outcomes.values()] == [None] * 3

    return load_


def test_children_and_their_children_are_deleted_with_their_parent(load_family, warehouse):
    for orders in ((1, 2), (2,)):
        load_family(*orders, orders="delete")
    tables = {name: warehouse.ids(f"shop.{name}") for name in ("orders", "lines", "parts")}
    assert tables == {"orders": [2], "lines": [20], "parts": [200]}


def test_children_are_marked_with_their_parent(load_family, warehouse):
    for orders in ((1, 2), (2,), (2,)):
        load_family(*orders, orders="mark", lines="mark", parts="mark")
    for table, ids in {"orders": [1, 2], "lines": [10, 20], "parts": [100, 200]}.items():
        found = warehouse.query(f"SELECT id, absent_since IS NOT NULL FROM shop.{table} ORDER BY id")
        assert found == list(zip(ids, [True, False], strict=True))


def test_children_stay_while_their_parent_is_only_marked_or_if_declared(load_family, warehouse):
    for orders in ((1, 2), (2,)):
        load_family(*orders, orders="mark")
    assert warehouse.ids("shop.lines") == [10, 20]
    for orders in ((1, 2), (2,)):
        load_family(*orders, orders="delete", lines="keep")
    assert (warehouse.ids("shop.orders"), warehouse.ids("shop.lines")) == ([2], [10, 20])


@pytest.mark.only_in("duckdb", "postgres", "ducklake")
@pytest.mark.parametrize("hints", [{}, {"columns": {"id": {"data_type": "bigint"}}, "max_table_nesting": 3}])
@pytest.mark.parametrize("destination", ["warehouse", "postgres"])
def test_rows_of_child_tables_that_dlt_made_are_deleted_with_their_row(
    declare, load_pages, request, destination, hints
):
    found = request.getfixturevalue(destination)
    things, line = declare(missing_rows="delete", **hints), {"sku": "a", "taxes": [{"rate": 1}]}
    kept = {"id": 2, "lines": [line, line]}
    load_pages(things, [{"id": 1, "lines": [line], "tags": ["new"]}, kept, {"id": 3}])
    load_pages(things, [kept])
    tables = ("things", "things__lines", "things__lines__taxes", "things__tags")
    counts = [found.query(f"SELECT count(*) FROM shop.{table}")[0][0] for table in tables]
    assert dict(zip(tables, counts, strict=True)) == dict(zip(tables, (1, 2, 2, 0), strict=True))


@pytest.mark.only_in("duckdb", "postgres", "ducklake")
def test_rows_of_child_tables_go_with_children_that_their_parent_no_longer_has(load_children, warehouse):
    for lines in ([{"id": 5, "tags": ["a"]}, {"id": 6, "tags": ["b"]}], [{"id": 6, "tags": ["b"]}]):
        load_children({"id": 1}, lines=[lines], max_table_nesting=2)
    assert warehouse.query("SELECT value FROM shop.lines__tags") == [("b",)]


@pytest.mark.parametrize(("missing", "left"), [("keep", [1, 2, 3]), ("mark", [1, 2, 3]), ("delete", [1, 3])])
def test_a_missing_row_of_a_table_read_whole_is_kept_marked_or_deleted_as_declared(api, warehouse, missing, left):
    api.set("catalog/ecommerce_data", products(1, 2, 3))
    load_catalog(missing)
    api.set("catalog/ecommerce_data", products(1, 3))
    assert load_catalog(missing) == (0 if missing == "keep" else 1)
    assert warehouse.ids("catalog.ecommerce_data") == left


def test_a_missing_row_is_marked_with_the_time_until_it_returns(api, warehouse):
    for ids in ((1, 2), (1,), (1,)):
        api.set("catalog/ecommerce_data", products(*ids))
        load_catalog("mark")
    marked = "SELECT id, absent_since IS NOT NULL FROM catalog.ecommerce_data ORDER BY id"
    assert warehouse.query(marked) == [(1, False), (2, True)]
    api.set("catalog/ecommerce_data", products(1, 2))
    load_catalog("mark")
    assert warehouse.query(marked) == [(1, False), (2, False)]


def test_a_load_that_would_delete_most_of_a_table_fails_unless_accept_loss_is_set(api, warehouse):
    api.set("catalog/ecommerce_data", products(*range(300)))
    load_catalog("delete")
    api.set("catalog/ecommerce_data", products(1))
    with pytest.raises(LoadError, match=r"catalog/ecommerce_data: the API no longer returns 299 of 300 .*accept_loss"):
        load_catalog("delete")
    assert len(warehouse.ids("catalog.ecommerce_data")) == 300
    load_catalog("delete", accept_loss=True)
    assert warehouse.ids("catalog.ecommerce_data") == [1]


def test_rows_the_api_flags_as_archived_stay_with_their_flag(api, warehouse, load):
    api.set("billing/customers", [customer("ctm_1", status="active")])
    load("billing/customers")
    api.set("billing/customers", [customer("ctm_1", status="archived")])
    load("billing/customers")
    assert warehouse.query("SELECT id, status FROM billing.customers") == [("ctm_1", "archived")]


def test_an_ignored_response_does_not_delete_rows(shop, tmp_path, warehouse):
    actions = [{"status_code": 400, "content": "not_enabled", "action": "ignore"}]
    declared = things(tmp_path, response_actions=actions).connector
    deleting, ignoring = {"things": ResourceOptions(missing_rows="delete")}, {"not_enabled": "not_available"}
    resource = replace(declared, resources=deleting, ignored_responses=ignoring).graph["things"]
    shop.replies = [reply({"data": [{"id": "1"}]}), reply({"code": "not_enabled"}, status=400)]
    for expected in ("", "answered 400"):
        with loading(LoadRequest(now=NOW, resources=[resource])) as load:
            assert load.outcomes["things"].error is None
            assert expected in load.outcomes["things"].stats_by_slice[None].not_available
    assert warehouse.ids("shop.things") == ["1"]
