"""A resource that differs from the others of its connector overrides what the connector says about the API."""

from dataclasses import fields, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator
from requests import Request

from connectors_dagster import Connector, Resource, ResourceOptions
from connectors_dagster.errors import ApiError, EnvelopeError
from connectors_dagster.http.first_number import omit_first_number
from connectors_dagster.spec.inherited import Inherited
from tests.support.numbered import numbered, numbers
from tests.support.shop import things
from tests.support.wire import reply

SHARED = {name for name, value in vars(Resource).items() if isinstance(value, Inherited)}
OFFSET = {"type": "offset", "limit": 4, "total_path": None}
PAGES = {"type": "page_number", "base_page": 1, "total_path": None}


def two(resource: Resource, options: dict[str, Any], **of_connector: Any) -> tuple[Resource, Resource]:
    """Return `things` of a connector, and `others`, which differs from it by these options."""
    connector = resource.connector
    others = {**connector.config["resources"][0], "name": "others"}  # type: ignore[dict-item]
    config: Any = {**connector.config, "resources": [*connector.config["resources"], others]}
    resources = {"others": ResourceOptions(**options)}
    graph = replace(connector, config=config, resources=resources, **of_connector).graph
    return graph["things"], graph["others"]


def test_every_option_that_a_connector_and_its_resources_share_is_inherited():
    names = [{field.name for field in fields(value)} for value in (Connector, ResourceOptions)]
    assert names[0] & names[1] == SHARED | {"auth_choice", "session_token"}  # with base_url, these are of an origin


@pytest.mark.parametrize("name", sorted(SHARED))
def test_a_resource_without_an_option_has_that_of_its_connector(tmp_path, name):
    of_connector, own = ("a.b", "") if name in ("total_header", "total_path", "error_when") else (True, False)
    same, different = two(things(tmp_path), {name: own}, **{name: of_connector})
    assert (getattr(same, name), getattr(different, name)) == (of_connector, own)


@pytest.mark.parametrize("accepted", [True, False])
def test_one_resource_accepts_fewer_rows_than_the_total_and_another_does_not(shop, read, tmp_path, accepted):
    shop.replies = [reply({"data": numbered(1, 2), "total": 3})]
    connector = {"total_path": "total", "accept_fewer": not accepted}
    strict, lenient = two(things(tmp_path), {"accept_fewer": accepted}, **connector)[:: 1 if accepted else -1]
    with pytest.raises(EnvelopeError, match=r"a total of 3: .* set accept_fewer"):
        read(strict)
    assert numbers(read(lenient)) == [1, 2]


def test_one_resource_has_its_total_at_another_place(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1, 2), "all": 2, "pages": {"sum": 1}}, **{"X-Rows": "2"})]
    in_header, in_body = two(things(tmp_path), {"total_header": "", "total_path": "all"}, total_header="X-Rows")
    assert read(in_header)[1].source_rows == read(in_body)[1].source_rows == 2
    in_body, nowhere = two(things(tmp_path), {"total_path": ""}, total_path="all")
    assert (in_body.has_total, nowhere.has_total) == (True, False)
    assert (read(in_body)[1].source_rows, read(nowhere)[1].source_rows) == (2, None)


def test_one_resource_reports_its_errors_at_another_place_and_is_not_retried(shop, read, tmp_path, waits):
    declared: Any = {"error_when": "fault", "retry_reported_errors": True}
    retried, failing = two(things(tmp_path), {"error_when": "problem", "retry_reported_errors": False}, **declared)
    shop.replies = [reply({"fault": "busy", "data": []}), reply({"data": numbered(1)})]
    rows, stats = read(retried)
    assert (numbers((rows,)), stats.retries) == ([1], 1)
    shop.replies = [reply({"fault": "busy", "data": numbered(1)})]
    assert numbers(read(failing)) == [1]
    shop.replies = [reply({"problem": "busy", "data": []})]
    with pytest.raises(ApiError, match=r"shop/others.* reports an error.*set error_when"):
        read(failing)
    assert len(waits) == 1


def test_one_resource_repeats_a_parameter_and_another_joins_its_values(shop, read, tmp_path):
    shop.replies = [reply({"data": numbered(1)})]
    resource = things(tmp_path, params={"status": ["open", "closed"]})
    for one in two(resource, {"join_list_params": False}, join_list_params=True):
        read(one)
    asked = [parse_qs(urlsplit(path).query)["status"] for path in shop.paths]
    assert asked == [["open,closed"], ["open", "closed"]]


def test_one_resource_takes_a_page_size_and_another_does_not(listing, read, tmp_path):
    listing.body = lambda query: {"data": numbered(*range(6))[int(query["offset"]) :][:4]}
    for one in two(things(tmp_path, paginator=OFFSET), {"fixed_page_size": False}, fixed_page_size=True):
        listing.asked.clear()
        assert numbers(read(one)) == [*range(6)]
        assert {"limit" in query for query in listing.asked} == {one.name == "others"}


def test_one_resource_ends_with_a_short_page_and_another_is_confirmed(listing, read, tmp_path):
    listing.body = lambda query: {"data": numbered(*range(2))[int(query["offset"]) :]}
    asked = []
    for one in two(things(tmp_path, paginator=OFFSET), {"short_page_is_end": False}, short_page_is_end=True):
        listing.asked.clear()
        assert numbers(read(one)) == [0, 1]
        asked.append(len(listing.asked))
    assert asked == [1, 2]


@pytest.mark.parametrize("first", [0, 1])
def test_a_first_page_without_a_number_is_followed_by_the_next_one_whatever_its_number_is(
    listing, read, tmp_path, first
):
    listing.body = lambda query: {"data": numbered(*range(5))[2 * (int(query.get("page", first)) - first) :][:2]}
    pages = {**PAGES, "base_page": 0}
    without, numbered_one = two(
        things(tmp_path, paginator=pages), {"omit_first_page_number": False}, omit_first_page_number=True
    )
    assert numbers(read(without)) == [*range(5)]
    assert listing.asked[0] == {}
    assert "0" not in [query.get("page") for query in listing.asked]
    listing.asked.clear()
    if first == 0:
        assert numbers(read(numbered_one)) == [*range(5)]
        assert listing.asked[0] == {"page": "0"}


def test_an_api_that_ignores_page_numbers_is_refused_although_its_first_page_has_none(listing, read, tmp_path):
    listing.body = lambda _: {"data": numbered(1, 2)}
    resource, _ = two(things(tmp_path, paginator={**PAGES, "base_page": 0}), {}, omit_first_page_number=True)
    with pytest.raises(EnvelopeError, match="repeats an earlier page"):
        read(resource)


def test_a_first_page_has_no_offset(listing, read, tmp_path):
    listing.body = lambda query: {"data": numbered(*range(6))[int(query.get("offset", 0)) :][:4]}
    resource, _ = two(things(tmp_path, paginator=OFFSET), {}, omit_first_page_number=True)
    assert numbers(read(resource)) == [*range(6)]
    assert listing.asked[0] == {"limit": "4"}
    assert all(int(query["offset"]) for query in listing.asked[1:])


def test_a_first_page_has_no_number_in_its_body():
    pages = PageNumberPaginator(base_page=0, page_body_path="list.page", total_path=None)
    request = Request(method="POST", url="http://127.0.0.1", json={"list": {"size": 2}})
    pages.init_request(request)
    omit_first_number(request, pages)
    assert request.json == {"list": {"size": 2}}


def test_one_resource_has_pages_that_are_read_again_and_another_does_not(listing, read, tmp_path):
    listing.body = lambda query: {"data": numbered(*range(5))[2 * int(query["page"]) - 2 :][:2]}
    asked = []
    for one in two(things(tmp_path, paginator=PAGES), {"pages_are_stable": False}, pages_are_stable=True):
        listing.asked.clear()
        assert numbers(read(one)) == [*range(5)]
        asked.append([query["page"] for query in listing.asked])
    assert len(asked[0]) == len(set(asked[0])) < len(asked[1])
