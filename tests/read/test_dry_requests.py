"""The requests that would be made: complete, with secrets masked, and none is sent."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors_dagster import Connector, Cursor, ResourceOptions, Secret, SessionToken, Setting, Text
from connectors_dagster.read.dry_requests import dry_requests
from connectors_dagster.spec.windows import Window

WINDOW = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 31, tzinfo=UTC))
BASIC = {"type": "http_basic", "username": Secret("key"), "password": ""}
OAUTH = {
    "type": "oauth2_client_credentials",
    "access_token_url": "https://login.example/token",
    "client_id": Setting("client"),
    "client_secret": Secret("secret"),
}


def requests_of(
    auth: Any = None, *, options: Any = None, base_url: Any = "https://api.example", **endpoint: Any
) -> Any:
    client = {"base_url": base_url, **({"auth": auth} if auth else {})}
    written = {"path": "/rows", "paginator": "single_page", **endpoint}
    config: Any = {"client": client, "resources": [{"name": "rows", "primary_key": "id", "endpoint": written}]}
    resources = {"rows": ResourceOptions(**options)} if options else {}
    connector = Connector(name="shop", description="A shop", schema={}, config=config, resources=resources)
    return dry_requests(connector.graph["rows"], WINDOW)


def test_settings_show_their_default_or_name_and_secrets_are_masked():
    size, shop = Setting("size", type=int, default=100), Setting("shop")
    body = {"size": size, "of": {"shop": shop, "key": Secret("key")}}
    [found] = requests_of(
        BASIC, base_url=Text("https://", shop, ".example"), method="POST", json=body, params={"a": shop}
    )
    assert (found.method, found.url, found.params) == ("POST", "https://shop.example/rows", {"a": "SHOP"})
    assert found.body == {"size": 100, "of": {"shop": "SHOP", "key": "***"}}
    assert found.headers == {"Authorization": "Basic ***"}
    for address in (Setting("host"), Text(Setting("host"), "/v1")):
        [found] = requests_of(base_url=address)
        assert found.url.startswith("https://host.example/")


def test_a_window_is_requested_in_parts_with_its_bounds_for_each_value_of_a_list():
    cursor = Cursor(request_step="P10D")
    incremental = {"cursor_path": "at", "start_param": "since", "end_param": "until"}
    [found] = requests_of(
        options={"cursor": cursor, "for_each": {"region": ["eu", "us"]}},
        incremental=incremental,
        params={"region": "{each.region}"},
        paginator={"type": "offset", "limit": 10, "total_path": None},
    )
    bounds = {"since": "2024-01-01T00:00:00Z", "until": "2024-01-11T00:00:00Z"}
    assert found.params == {"region": "eu", **bounds, "offset": "0", "limit": "10"}
    assert found.repeated == [
        "for each of 2 values of region",
        "for each of 3 parts of the window",
        "for each page (offset)",
    ]


@pytest.mark.parametrize("location", ["header", "query"])
def test_a_token_is_requested_first_and_goes_with_the_request_for_rows(location):
    login = SessionToken(
        url="https://login.example/sessions",
        data={"password": Secret("password")},
        name="X-Session",
        location=location,
        prefix="Token ",
    )
    [first, rows] = requests_of(options={"session_token": login})
    assert (first.method, first.url, first.body) == ("POST", "https://login.example/sessions", {"password": "***"})
    assert {**rows.headers, **rows.params} == {"X-Session": "Token ***"}
    [first, rows] = requests_of(OAUTH)
    assert first.body == {"client_id": "CLIENT", "client_secret": "***", "grant_type": "client_credentials"}
    assert rows.headers == {"Authorization": "Bearer ***"}
