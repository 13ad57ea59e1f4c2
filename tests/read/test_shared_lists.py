"""A child may be read from one list with the rows of all parents, if the API has it."""

from dataclasses import replace
from typing import Any

import pytest

from connectors_dagster import Connector, ResourceOptions, SharedList, load_connectors
from connectors_dagster.read.dry_requests import dry_requests
from tests.support.contract import WINDOW

SHARED = SharedList(path="/refunds", parent_field="order", missing="no_route", ids_param="ids")
OPTIONS = ResourceOptions(has_children_field="refunds", shared_list=SHARED)


def shop(options: ResourceOptions, **child: Any) -> Connector:
    orders: Any = {"name": "orders", "primary_key": "id", "endpoint": {"path": "/orders"}}
    path = "/orders/{resources.orders.id}/refunds"
    refunds: Any = {"name": "refunds", "primary_key": "id", "include_from_parent": ["id"], "endpoint": {"path": path}}
    return Connector(
        name="shop",
        description="A shop",
        schema={},
        resources={"refunds": options},
        config={"client": {"base_url": "http://127.0.0.1"}, "resources": [orders, {**refunds, **child}]},
    )


def test_a_shared_list_is_accepted_for_a_child():
    assert shop(OPTIONS).graph["refunds"].options.shared_list is SHARED


@pytest.mark.parametrize(
    ("options", "child", "problem"),
    [
        (OPTIONS, {"endpoint": {"path": "/x"}, "include_from_parent": []}, "not requested per row of a parent"),
        (OPTIONS, {"include_from_parent": ["id", "name"]}, "needs include_from_parent with one field"),
        (replace(OPTIONS, key="row_hash"), {"primary_key": None}, "cannot be used with for_each, key"),
        (replace(OPTIONS, record_filter="{{ record.id }}"), {}, "cannot be used with for_each, key, record_filter"),
        (ResourceOptions(shared_list=SHARED), {}, "ids_param of shared_list needs has_children_field"),
        (replace(OPTIONS, shared_list=replace(SHARED, ids_at_once=0)), {}, "ids_at_once of shared_list is 0"),
    ],
)
def test_a_shared_list_that_does_not_fit_is_refused(options, child, problem):
    with pytest.raises(ValueError, match=problem):
        shop(options, **child)


def test_the_whole_list_is_not_read_for_the_parents_of_windows():
    connector = load_connectors()["woocommerce"]
    wrong = replace(connector.resources["refunds"], shared_list=replace(SHARED, ids_param=None))
    with pytest.raises(ValueError, match="shared_list needs ids_param: the parents of a window are not all parents"):
        replace(connector, resources={**connector.resources, "refunds": wrong})


def test_values_that_have_children_need_their_field():
    with pytest.raises(ValueError, match="has_children_values is set, but has_children_field does not say"):
        shop(ResourceOptions(has_children_values=("a",)))


def test_both_ways_are_shown_before_anything_is_read():
    resource = load_connectors()["woocommerce"].graph["refunds"]
    newer, older = dry_requests(resource, WINDOW)
    assert newer.url.endswith("/refunds") and newer.params["include"] == "{ids of refunds}"
    assert newer.repeated == ["in place of the next request, if the API has this list", "for every 100 rows"]
    assert older.url.endswith("/orders/{orders.id}/refunds")
