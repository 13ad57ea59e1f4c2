"""Settings have types, defaults and choices, stand inside of text, and are checked when they are read."""

from copy import deepcopy
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors_dagster import Connector, Secret, Setting, Text, build_definitions
from connectors_dagster.cli.init import _ask
from connectors_dagster.config import placeholders
from connectors_dagster.errors import SettingError
from connectors_dagster.orchestration.asset_keys import Api
from connectors_dagster.orchestration.asset_specs import describe_asset
from connectors_dagster.secrets.redaction import redact
from connectors_dagster.spec.placeholders import REQUIRED
from docs.pages import build_page
from tests.support.numbered import numbered
from tests.support.shop import things
from tests.support.wire import reply

SIZE = Setting("page_size", type=int, default=100, choices=(50, 100), description="rows per page")


def using(folder: Any, **params: Any) -> Connector:
    return things(folder, params=params).connector


def test_a_request_has_the_settings_inside_of_its_texts_and_lacks_optional_ones(shop, read, tmp_path, monkeypatch):
    shop.replies = [reply({"data": numbered(1)})]
    for name, value in {"HOST": shop.url.removeprefix("http://"), "TOKEN": "t0p-s3cret", "BOARD": "b 1"}.items():
        monkeypatch.setenv(f"SOURCES__SHOP__{name}", value)
    absent = Setting("absent", default=None)
    resource = things(
        tmp_path,
        path=Text("/", Setting("board"), "/things"),  # type: ignore[arg-type]
        params={"q": Text("board:", Setting("board"), ",open:", Setting("open", type=bool, default=True)), "n": SIZE},
        headers={"X-Auth": Text("token ", Secret("token")), "X-Absent": Text("a ", absent)},
        json={"deep": [{"ids": Setting("ids", type=list, default=["a", "b"]), "none": absent}], "kept": None},
    )
    config: Any = resource.connector.config
    client = {**config["client"], "base_url": Text("http://", Setting("host"), "/v1")}
    resource = replace(resource.connector, config={**config, "client": client}).graph["things"]
    read(resource)
    (asked,) = shop.received
    url = urlsplit(shop.paths[0])
    assert (url.path, parse_qs(url.query)) == ("/v1/b%201/things", {"q": ["board:b 1,open:true"], "n": ["100"]})
    assert "X-Auth: token t0p-s3cret" in asked and "X-Absent" not in asked
    assert '{"deep": [{"ids": ["a", "b"]}], "kept": null}' in asked
    assert "t0p-s3cret" not in redact(asked)


def test_braces_of_a_query_and_of_a_setting_in_it_are_sent_as_they_are(shop, read, tmp_path, monkeypatch):
    shop.replies = [reply({"data": numbered(1)})]
    monkeypatch.setenv("SOURCES__SHOP__FILTER", '{a: "b"}')
    query = Text("{ things(filter: ", Setting("filter"), ") { id } }")
    read(things(tmp_path, method="POST", json={"query": query}))
    assert '{"query": "{ things(filter: {a: \\"b\\"}) { id } }"}' in shop.received[0]


@pytest.mark.parametrize(
    ("setting", "given", "value"),
    [
        (SIZE, "50", 50),
        (SIZE, "", 100),
        (SIZE, None, 100),
        (Setting("x", type=float), "0.5", 0.5),
        (Setting("x", type=bool), "false", False),
        (Setting("x", type=date), "2024-02-29", "2024-02-29"),
        (Setting("x", type=list, choices=["a", "b"]), "a, b", ["a", "b"]),
        (Setting("x", type=list), '["a","b"]', ["a", "b"]),
        (Setting("x"), "007", "007"),
        (Setting("x"), "", ""),
        (Setting("x", default="eu", choices=["eu", "us"]), "us", "us"),
        (Setting("x", default=None), None, None),
        (Setting("x", type=int), None, REQUIRED),
    ],
)
def test_a_setting_has_the_type_that_is_declared(setting, given, value, monkeypatch, tmp_path):
    if given is not None:
        monkeypatch.setenv(f"SOURCES__SHOP__{setting}".upper(), given)
    found = placeholders.read_setting(using(tmp_path), setting)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("setting", "given", "said"),
    [
        (SIZE, "many", "PAGE_SIZE is 'many': it must be a valid integer"),
        (SIZE, "70", "PAGE_SIZE is 70: it must be one of 50, 100"),
        (Setting("x", type=bool), "perhaps", "X is 'perhaps': it must be a valid boolean"),
        (Setting("x", type=date), "2024-02-30", "X is '2024-02-30': it must be a valid date"),
        (Setting("x", type=list, choices=["a"]), "a,b", "X is 'b': it must be one of a"),
    ],
)
def test_a_setting_that_is_not_as_declared_is_refused_by_name_when_the_code_is_loaded(
    setting, given, said, monkeypatch, tmp_path
):
    monkeypatch.setenv(f"SOURCES__SHOP__{setting}".upper(), given)
    with pytest.raises(SettingError, match=f"SOURCES__SHOP__{said}"):
        build_definitions(using(tmp_path, a=setting))


def test_the_value_of_a_secret_is_not_in_the_error_about_it(monkeypatch, tmp_path):
    monkeypatch.setenv("SOURCES__SHOP__PIN", "t0p-s3cret")
    for setting in (Secret("pin", type=int), Secret("pin", choices=["1234"])):
        build_definitions(using(tmp_path, a=setting))  # reads no secret
        with pytest.raises(SettingError, match="SOURCES__SHOP__PIN cannot be used: it must be") as caught:
            placeholders.read_settings(using(tmp_path, a=setting))
        assert "t0p-s3cret" not in str(caught.value)


def test_a_missing_setting_is_listed_with_what_is_declared_and_an_optional_one_is_not(tmp_path, monkeypatch):
    named = Setting("region", choices=["eu", "us"], description="where the shop is")
    connector = using(tmp_path, a=named, b=Setting("note", default=None), c=SIZE)
    with pytest.raises(
        placeholders.MissingSettingsError, match=r"REGION .*\(where the shop is; one of eu, us\)"
    ) as caught:
        placeholders.read_settings(connector)
    assert "NOTE" not in str(caught.value) and "PAGE_SIZE" not in str(caught.value)
    for name in ("base_url", "api_key", "region"):
        monkeypatch.setenv(f"SOURCES__SHOP__{name.upper()}", "eu")
    assert placeholders.is_configured(connector)


def test_init_asks_with_what_is_declared_and_the_page_of_a_connector_shows_it(tmp_path, monkeypatch):
    asked: list[str] = []
    connector = using(tmp_path, a=SIZE, b=Setting("note", default=None))
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda text: asked.append(text) or "")
    assert [_ask(connector, one) for one in connector.settings if not one.required] == ["100", ""]
    assert "page_size, rows per page (one of 50, 100) [100]" in asked[0]
    values: Any = {one: None if one == "note" else 100 for one in connector.settings if not one.required}
    assert placeholders.described_values(values) == "page_size = 100 (default), note = left out (default)"
    page = build_page(connector)
    assert "| `SOURCES__SHOP__PAGE_SIZE` |  | rows per page; one of `50`, `100`; integer | `100` |" in page
    assert "| `SOURCES__SHOP__NOTE` |  |  | none |" in page


def test_an_address_of_several_settings_names_those_that_are_missing(tmp_path, monkeypatch):
    config: Any = things(tmp_path).connector.config
    address = Text("https://", Setting("shop"), ".", Setting("region", default="eu"), ".example.com")
    client = {**config["client"], "base_url": address}
    connector = replace(things(tmp_path).connector, config={**config, "client": client})
    assert describe_asset(Api(connector=connector)).metadata["base_url"].value == "not configured: SOURCES__SHOP__SHOP"
    monkeypatch.setenv("SOURCES__SHOP__SHOP", "acme")
    assert describe_asset(Api(connector=connector)).metadata["base_url"].value == "https://acme.eu.example.com"


def test_settings_are_declared_once_and_refused_where_they_contradict_each_other(tmp_path):
    assert [one.declaration for one in using(tmp_path, a=Setting("page_size"), b=SIZE).settings][-1] == SIZE.declaration
    for other in (Setting("page_size", type=str, default="1"), Secret("page_size")):
        with pytest.raises(
            ValueError, match=r"shop: .*page_size is (declared in two ways|both a setting and a secret)"
        ):
            using(tmp_path, a=SIZE, b=other)
    with pytest.raises(ValueError, match="type is <class 'dict'>; it must be str, int, float, bool, date or list"):
        Setting("x", type=dict)


def test_copies_of_settings_and_texts_keep_what_is_declared():
    text = deepcopy({"a": Text("x ", SIZE)})["a"]
    assert (text, text.parts, text.parts[1].declaration) == (Text("x ", SIZE), ("x ", SIZE), SIZE.declaration)
