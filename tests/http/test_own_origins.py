"""A resource may be at another origin than its connector; neither gets the credentials of the other."""

from collections.abc import Iterator
from typing import Any

import pytest

from connectors_dagster import Cursor, ResourceOptions, Secret, Setting, Text
from connectors_dagster.config import placeholders
from connectors_dagster.errors import ApiError, ForeignOriginError
from connectors_dagster.http.request_parts import build_parts
from tests.support.requested import Requested, connector_of, load_resources

AUTH = {"type": "bearer", "token": Secret("main_token")}
OWN = {"type": "api_key", "name": "X-Key", "api_key": Secret("stats_key"), "location": "header"}
SECRETS = {"MAIN_TOKEN": "main-t0ken-1", "STATS_KEY": "stats-k3y-2"}
ITEMS = {"name": "items", "primary_key": "id", "write_disposition": "merge", "endpoint": "/items"}


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch) -> Iterator[Requested]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(f"SOURCES__SHOP__{name}", value)
    with Requested(lambda _: {"data": [{"id": 1}]}).served() as api:
        yield api


@pytest.fixture
def stats() -> Iterator[Requested]:
    with Requested(lambda _: {"data": [{"id": 2}]}).served() as api:
        yield api


def shop(folder: Any, main: Requested, base_url: str, **endpoint: Any) -> Any:
    own = {**ITEMS, "name": "visits", "endpoint": {"path": "/visits", **endpoint}}
    client = {"auth": AUTH, "headers": {"X-Account": "a1"}}
    return connector_of(
        folder, main.url, ITEMS, own, client=client, options={"visits": ResourceOptions(base_url=base_url)}
    )


def test_each_origin_gets_its_own_credentials_and_headers_only(main, stats, warehouse, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCES__SHOP__STATS_HOST", stats.url.removeprefix("http://"))
    address = Text("http://", Setting("stats_host"), "/v2")
    connector = shop(tmp_path, main, address, auth=OWN, headers={"X-Own": "yes"})
    assert connector.settings == ("main_token", "stats_key", "stats_host")
    for name in ("items", "visits"):
        load_resources(connector, only=name)
    assert (warehouse.ids("shop.items"), warehouse.ids("shop.visits")) == ([1], [2])
    (of_main,), (of_stats,) = main.asked, stats.asked
    assert (of_main.headers["authorization"], of_main.headers["x-account"]) == ("Bearer main-t0ken-1", "a1")
    assert (of_stats.path, of_stats.headers["x-key"], of_stats.headers["x-own"]) == ("/v2/visits", "stats-k3y-2", "yes")
    assert not {"authorization", "x-account"} & set(of_stats.headers)
    assert "x-key" not in of_main.headers
    assert placeholders.base_url(connector, connector.graph["visits"]) == f"{stats.url}/v2"


def test_another_address_of_the_same_origin_gets_the_credentials_of_the_client(main, tmp_path):
    load_resources(shop(tmp_path, main, f"{main.url}/v2"), only="visits")
    (asked,) = main.asked
    assert (asked.path, asked.headers["authorization"]) == ("/v2/visits", "Bearer main-t0ken-1")


def test_a_link_from_one_origin_to_the_other_is_refused(main, stats, tmp_path):
    stats.answer = lambda _: {"data": [{"id": 2}], "next": f"{main.url}/visits"}
    paginator = {"type": "json_link", "next_url_path": "next"}
    with pytest.raises(ForeignOriginError, match="shop/visits: refused to follow a link"):
        load_resources(shop(tmp_path, main, stats.url, paginator=paginator), only="visits")
    assert main.asked == []


def test_an_address_of_a_resource_is_checked_like_that_of_the_client(main, tmp_path):
    with pytest.raises(ValueError, match="shop: base_url has the secret host"):
        shop(tmp_path, main, Text("https://", Secret("host")))
    with pytest.raises(ApiError, match=r"base_url 'http://stats.example' would send the credentials unencrypted"):
        load_resources(shop(tmp_path, main, "http://stats.example"), only="visits")


def test_bounds_of_a_window_are_left_out_wherever_they_are_if_the_filter_is_off(tmp_path):
    endpoint = {
        "path": "/search",
        "method": "POST",
        "headers": {"X-Since": "{incremental.start_value}", "X-Kind": "a"},
        "params": {"until": "{incremental.end_value}", "kind": "a"},
        "json": {
            "filter": {"all": [{"made": {"from": "{incremental.start_value}"}}, {"kind": "a"}], "none": []},
            "range": ["{incremental.start_value}", "{incremental.end_value}"],
            "null": None,
        },
        "incremental": {"cursor_path": "made"},
    }
    items = {**ITEMS, "endpoint": endpoint}
    options = {"items": ResourceOptions(cursor=Cursor(unfiltered_first=True))}
    resource = connector_of(tmp_path, "https://shop.example", items, options=options).graph["items"]
    parts = build_parts(resource, resource.endpoint, {})
    assert (parts["headers"], parts["params"]) == ({"X-Kind": "a"}, {"kind": "a"})
    assert parts["json"] == {"filter": {"all": [{"kind": "a"}], "none": []}, "null": None}
    filled = build_parts(resource, resource.endpoint, {"start_value": 1, "end_value": 2})
    assert (filled["json"]["range"], filled["headers"]["X-Since"]) == ([1, 2], 1)
    items = {**items, "endpoint": {**endpoint, "path": "/from/{incremental.start_value}"}}
    with pytest.raises(ValueError, match="cannot leave the bounds of a window out of path"):
        connector_of(tmp_path, "https://shop.example", items, options=options)
