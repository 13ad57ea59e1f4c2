"""Rows that disappear: children of a parent that was read again, and whole tables, as each resource declares."""

from dataclasses import replace

import pytest

from connectors_dagster import ResourceOptions, load_connectors
from connectors_dagster.errors import LoadError
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from tests.support.rows import NOW, address, customer
from tests.support.shop import things
from tests.support.wire import reply

FAMILY = ("billing/customers", "billing/customer_addresses")


def catalog(absent: str):
    """The shipped catalog, with another word on rows that disappear."""
    return replace(load_connectors()["catalog"], resources={"ecommerce_data": ResourceOptions(missing_rows=absent)})


def load_catalog(absent: str, *, accept_loss: bool = False) -> int:
    """Load the catalog; returns how many rows were found absent."""
    resource = catalog(absent).graph["ecommerce_data"]
    with loading(LoadRequest(now=NOW, resources=[resource], accept_loss=accept_loss)) as load:
        outcome = load.outcomes["ecommerce_data"]
        if outcome.error:
            raise outcome.error
        return outcome.stats_by_slice[None].absent


def products(*ids: int) -> list[dict]:
    return [{"id": id, "name": f"Product {id}"} for id in ids]


def test_children_of_a_parent_that_has_fewer_are_exactly_the_new_ones(api, warehouse, load):
    api.set("billing/customers", [customer("ctm_1"), customer("ctm_2")])
    api.set("billing/customer_addresses", [address("a", "ctm_1"), address("b", "ctm_1"), address("c", "ctm_2")])
    load(*FAMILY)
    api.set("billing/customer_addresses", [address("b", "ctm_1"), address("c", "ctm_2")])
    stats_by_slice = load(*FAMILY)["billing/customer_addresses"]
    assert warehouse.ids("billing.customer_addresses") == ["b", "c"]
    assert stats_by_slice[None].absent == 1


def test_children_of_a_parent_that_has_none_any_more_are_gone(api, warehouse, load):
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


@pytest.mark.parametrize(("absent", "left"), [("keep", [1, 2, 3]), ("mark", [1, 2, 3]), ("delete", [1, 3])])
def test_a_row_of_a_whole_table_is_kept_marked_or_deleted_as_declared(api, warehouse, absent, left):
    api.set("catalog/ecommerce_data", products(1, 2, 3))
    load_catalog(absent)
    api.set("catalog/ecommerce_data", products(1, 3))
    assert load_catalog(absent) == (0 if absent == "keep" else 1)
    assert warehouse.ids("catalog.ecommerce_data") == left


def test_a_marked_row_says_since_when_and_one_that_returns_is_marked_no_more(api, warehouse):
    for ids in ((1, 2), (1,), (1,)):
        api.set("catalog/ecommerce_data", products(*ids))
        load_catalog("mark")
    marked = "SELECT id, absent_since IS NOT NULL FROM catalog.ecommerce_data ORDER BY id"
    assert warehouse.query(marked) == [(1, False), (2, True)]
    api.set("catalog/ecommerce_data", products(1, 2))
    load_catalog("mark")
    assert warehouse.query(marked) == [(1, False), (2, False)]


def test_a_load_that_would_lose_most_of_a_table_stops_and_asks(api, warehouse):
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


def test_an_answer_that_is_ignored_proves_no_row_absent(shop, tmp_path, warehouse):
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
