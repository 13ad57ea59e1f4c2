"""Children are requested for each parent under its path, even if the parent has been deleted by then."""

import json
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.responses import JSONResponse

from connectors_dagster import Cursor, ResourceOptions
from connectors_dagster.errors import ApiError, RowError
from connectors_dagster.orchestration.remarks import remarks_on
from tests.support.listing import LISTS
from tests.support.requested import Requested, connector_of, load_resources, slices_of
from tests.support.rows import address, customer
from tests.support.wire import reply

NULL = {"data": None, "has_more": False, "next": None}


@pytest.mark.parametrize(
    ("parents", "children", "path"),
    [
        ("billing/customers", "billing/customer_addresses", "/addresses"),
        ("billing/customers", "billing/businesses", "/businesses"),
        ("subscriptions/item", "subscriptions/attached_item", "/attached_items"),
    ],
)
def test_a_parent_that_was_deleted_meanwhile_has_no_children_and_is_counted(
    api, load, warehouse, parents, children, path
):
    api.set(parents, [{"id": "a"}, {"id": "b"}, {"id": "c"}])
    api.set(children, [{"id": f"{p} {n}", "customer_id": p, "parent_item_id": p} for p in "abc" for n in (1, 2)])

    def vanish(request):
        return JSONResponse({"message": "no such thing"}, 404) if request.url.path.endswith(f"/b{path}") else None

    api.faults.append(vanish)
    [stats] = load(parents, children)[children].values()
    assert warehouse.ids(children.replace("/", ".")) == ["a 1", "a 2", "c 1", "c 2"]
    assert (stats.rows, stats.ignored, stats.retries) == (4, 1, 0)


@pytest.mark.parametrize("empty", ["a", "b", "ab"])
def test_null_instead_of_a_list_means_no_children_if_another_parent_has_a_list(api, load, warehouse, empty):
    api.set("billing/customers", [customer("a"), customer("b"), customer("c")])
    api.set("billing/customer_addresses", [address(f"{parent} 1", parent) for parent in "abc"])

    def null(request):
        nothing = any(request.url.path.endswith(f"/{parent}/addresses") for parent in empty)
        return JSONResponse(NULL) if nothing else None

    api.faults.append(null)
    load("billing/customers", "billing/customer_addresses")
    assert warehouse.ids("billing.customer_addresses") == [f"{parent} 1" for parent in "abc" if parent not in empty]


def test_null_instead_of_every_list_fails(api, load):
    api.set("billing/customers", [customer("a"), customer("b")])
    api.faults.append(lambda request: JSONResponse(NULL) if "addresses" in request.url.path else None)
    with pytest.raises(ApiError, match=r"customer_addresses.*page 1 has no list at 'data'"):
        load("billing/customers", "billing/customer_addresses")


def test_404_for_anything_else_fails(api, read):
    api.faults.append(lambda _: JSONResponse({}, 404))
    for resource in [*LISTS, "billing/customers", "subscriptions/item"]:
        with pytest.raises(ApiError, match=f"{resource}.*answered 404.*check base_url and path"):
            read(resource)


def test_a_parents_key_cannot_lead_to_another_endpoint(api, load):
    api.set("billing/customers", [customer("../products"), customer("a/b?c#d")])
    api.set("billing/customer_addresses", [address("1", "../products"), address("2", "a/b?c#d")])
    load("billing/customer_addresses")
    assert not [path for path, _ in api.requests if unquote(path) == "/billing/v1/products/addresses"]
    assert not api.asked("/products")


@pytest.mark.parametrize(("keep", "id"), [(False, "%C3%A9%2Fb%2Bc"), (True, "%C3%A9/b%2Bc")])
def test_a_field_of_the_parent_is_quoted_in_the_path_only_and_keeps_its_type_in_a_json_body(tmp_path, wire, keep, id):
    endpoint = {
        "path": "teams/{resources.teams.id}/things",
        "method": "POST",
        "params": {"of": "{resources.teams.id}"},
        "headers": {"X-Size": "n{resources.teams.size}"},
        "json": {"id": "{resources.teams.id}", "size": "{resources.teams.size}"},
    }
    wire.replies = [reply({"data": [{"id": "é/b+c", "size": 7}]}), reply({"data": []})]
    options = {"things": ResourceOptions(keep_slashes=keep)}
    teams, things = ({"name": name, "primary_key": "id"} for name in ("teams", "things"))
    things |= {"include_from_parent": ["id"], "endpoint": endpoint}
    load_resources(connector_of(tmp_path, wire.url, teams, things, options=options))
    assert wire.paths[-1] == f"/teams/{id}/things?of=%C3%A9%2Fb%2Bc"
    assert "X-Size: n7" in wire.received[-1]
    assert json.loads(wire.received[-1].rpartition("\r\n")[2]) == {"id": "é/b+c", "size": 7}


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (None, "billing/customers: a row has no 'id', which is a key"),
        ("..", "billing/customer_addresses: a row of billing/customers on page 1 has .* as 'id'"),
    ],
)
def test_a_parent_without_a_usable_key_fails_instead_of_requesting_another_path(api, load, key, reason):
    api.answer("/v1/customers", body={"data": [{"id": key}], "has_more": False, "next": None})
    with pytest.raises(RowError, match=reason):
        load("billing/customer_addresses")
    assert not api.asked("/addresses")


@pytest.mark.parametrize("windowed", [False, True])
def test_a_parent_without_the_field_that_requests_need_is_left_out_and_counted_if_declared(tmp_path, windowed):
    bounds = {"incremental": {"cursor_path": "at", "start_param": "since", "end_param": "until"}} if windowed else {}
    shifts = {
        "name": "shifts",
        "primary_key": ["_teams_code", "id"],
        "include_from_parent": ["code"],
        "endpoint": {"path": "shifts", "params": {"team": "{resources.teams.code}"}, **bounds},
    }
    options = ResourceOptions(skip_parents_without_key=True, cursor=Cursor() if windowed else None)
    with Requested(answer_teams).served() as api:
        teams = {"name": "teams", "primary_key": "id"}
        connector = connector_of(tmp_path, api.url, teams, shifts, options={"shifts": options})
        load = partial(load_resources, only="shifts", slices=slices_of(connector, ["2024-01-01"]))
        [stats] = load(connector)["shifts"].values()
        assert sorted(one.query["team"] for one in api.asked if one.path == "/shifts") == ["a", "d"]
        with pytest.raises(RowError, match="has None as 'code'"):
            load(replace(connector, resources={"shifts": replace(options, skip_parents_without_key=False)}))
    assert (stats.rows, stats.parents_without_key) == (2, 2)
    [remark] = remarks_on(connector.graph["shifts"], stats)
    assert remark.startswith("rows of shop/teams without code: 2. Nothing can be requested for them")


def answer_teams(one: Any) -> dict[str, Any]:
    teams = [{"id": 1, "code": "a"}, {"id": 2}, {"id": 3, "code": None}, {"id": 4, "code": "d"}]
    return {"data": teams if one.path == "/teams" else [{"id": 1, "at": "2024-01-05T00:00:00Z"}]}
