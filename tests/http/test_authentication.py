"""Authentication that a setting chooses, and tokens that a login returns."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors_dagster import AuthChoice, Connector, ResourceOptions, Secret, SessionToken, Setting, Text
from connectors_dagster.config.placeholders import MissingSettingsError, is_configured
from connectors_dagster.errors import ApiError, SettingError
from connectors_dagster.sandbox import serving

CHOICE = AuthChoice(
    by=Setting("method"),
    options={
        "key": {"type": "api_key", "name": "X-Key", "api_key": Secret("key"), "location": "header"},
        "token": {"type": "bearer", "token": Secret("token")},
        "nothing": {},
    },
)


class Office:
    """An API with a login. It accepts the last token that it issued, for at most `uses` requests."""

    def __init__(self) -> None:
        self.issued, self.uses, self.left = 0, 1_000, 0
        self.answer: Any = None
        self.logins: list[Any] = []
        self.seen: list[Any] = []

    async def login(self, request: Request) -> JSONResponse:
        text, kind = (await request.body()).decode(), request.headers.get("content-type", "")
        body = orjson.loads(text) if "json" in kind else dict(parse_qsl(text))
        self.logins.append({**request.query_params, **body, "auth": request.headers.get("authorization")})
        if self.answer is not None:
            return JSONResponse(*self.answer)
        self.issued, self.left = self.issued + 1, self.uses
        return JSONResponse({"data": {"token": f"t0ken-{self.issued}"}})

    async def things(self, request: Request) -> JSONResponse:
        self.seen.append({**request.headers, **request.query_params})
        found = request.headers.get("x-session", request.query_params.get("session"))
        if found and (found != f"Token t0ken-{self.issued}" or not self.left):
            return JSONResponse({"error": f"rejected {found}"}, 401)
        self.left -= 1
        page = int(request.query_params.get("page", "1"))
        return JSONResponse({"data": [{"id": str(page)}] if page < 4 else []})


@pytest.fixture
def office(monkeypatch):
    office = Office()
    routes = [Route("/login", office.login, methods=["POST", "GET"]), Route("/things", office.things)]
    with serving(Starlette(routes=routes)) as port:
        for name, value in {"base_url": f"http://127.0.0.1:{port}", "password": "s3cret-words"}.items():
            monkeypatch.setenv(f"SOURCES__SHOP__{name}".upper(), value)
        yield office


def shop(client: Any = None, **options: Any) -> Connector:
    paginator = {"type": "page_number", "base_page": 1, "total_path": None}
    endpoint = {"path": "/things", "data_selector": "data", "paginator": paginator}
    config: Any = {
        "client": {"base_url": Setting("base_url"), **(client or {})},
        "resources": [{"name": "things", "primary_key": "id", "endpoint": endpoint}],
    }
    return Connector(name="shop", description="A shop", schema={}, config=config, **options)


def login(**changes: Any) -> SessionToken:
    given: dict[str, Any] = {
        "url": Text(Setting("base_url"), "/login"),
        "json": {"user": "me", "password": Secret("password")},
        "token_path": "data.token",
        "name": "X-Session",
        "prefix": "Token ",
    }
    return SessionToken(**given | changes)


def ids(rows: list[Any]) -> list[str]:
    return [row["id"] for row in rows]


def test_a_setting_chooses_the_authentication_and_the_other_secrets_need_not_be_given(office, read, monkeypatch):
    connector = shop(auth_choice=CHOICE)
    for method, name, value, sent in (
        ("key", "KEY", "k3y-words", "x-key"),
        ("token", "TOKEN", "t0ken", "authorization"),
    ):
        monkeypatch.setenv("SOURCES__SHOP__METHOD", method)
        with pytest.raises(MissingSettingsError, match=f"SOURCES__SHOP__{name} ") as caught:
            read(connector.graph["things"])
        assert len(str(caught.value).splitlines()) == 2
        assert not is_configured(connector)
        monkeypatch.setenv(f"SOURCES__SHOP__{name}", value)
        assert is_configured(connector)
        assert ids(read(connector.graph["things"])[0]) == ["1", "2", "3"]
        assert value in office.seen[-1][sent]
        monkeypatch.delenv(f"SOURCES__SHOP__{name}")
    monkeypatch.setenv("SOURCES__SHOP__METHOD", "nothing")
    read(connector.graph["things"])
    assert not {"x-key", "authorization"} & set(office.seen[-1])


def test_a_choice_that_is_missing_or_unknown_names_the_setting_and_the_values(office, read, monkeypatch):
    things = shop(auth_choice=CHOICE).graph["things"]
    with pytest.raises(MissingSettingsError, match=r"SOURCES__SHOP__METHOD .*one of key, token, nothing\)"):
        read(things)
    monkeypatch.setenv("SOURCES__SHOP__METHOD", "keys")
    with pytest.raises(SettingError, match="METHOD is 'keys': it must be one of key, token, nothing"):
        read(things)
    assert office.seen == []


def test_a_resource_has_an_authentication_of_its_own(office, read, monkeypatch):
    monkeypatch.setenv("SOURCES__SHOP__METHOD", "token")
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "t0ken-words")
    client = {"auth": {"type": "bearer", "token": Secret("password")}}
    read(shop(client, resources={"things": ResourceOptions(auth_choice=CHOICE)}).graph["things"])
    assert office.seen[-1]["authorization"] == "Bearer t0ken-words"


def test_a_login_is_made_once_and_its_token_goes_with_every_request(office, read):
    rows, _ = read(shop(session_token=login()).graph["things"])
    assert ids(rows) == ["1", "2", "3"]
    assert office.logins == [{"user": "me", "password": "s3cret-words", "auth": None}]
    assert {one["x-session"] for one in office.seen} == {"Token t0ken-1"}


def test_a_login_may_be_a_form_with_parameters_and_its_own_authentication_and_the_token_a_parameter(office, read):
    auth = {"type": "http_basic", "username": Secret("password"), "password": ""}
    form = login(json={}, data={"user": "me"}, params={"all": True}, auth=auth, name="session", location="query")
    assert ids(read(shop(session_token=form).graph["things"])[0]) == ["1", "2", "3"]
    [sent] = office.logins
    assert (sent["user"], sent["all"], sent["auth"][:5]) == ("me", "true", "Basic")
    assert {one["session"] for one in office.seen} == {"Token t0ken-1"}


@pytest.mark.parametrize("location", ["header", "query"])
def test_a_token_that_is_rejected_is_replaced_once(office, read, location):
    office.uses = 5
    name = "X-Session" if location == "header" else "session"
    things = shop(session_token=login(name=name, location=location)).graph["things"]
    assert ids(read(things)[0]) == ["1", "2", "3"]
    assert office.issued == 2
    office.uses, office.left = 0, 0
    with pytest.raises(ApiError, match=r"answered 401: .*rejected Token \*\*\*"):
        read(things)
    assert office.issued == 4


def test_a_token_expires_after_its_time(office, read):
    read(shop(session_token=login(expires_after="PT8H")).graph["things"])
    assert office.issued == 1
    asked = len(office.seen)
    read(shop(session_token=login(expires_after="PT0S")).graph["things"])
    assert office.issued == 1 + asked


@pytest.mark.parametrize("body", [{}, {"data": {"token": None}}, {"data": {"token": "None"}}, [], "t0ken", None, 7])
def test_a_login_without_a_token_fails_and_nothing_is_sent(office, read, body):
    office.answer = (body, 200)
    with pytest.raises(ApiError, match=r"^shop: session token with .*password: the response of .*/login has no token"):
        read(shop(session_token=login()).graph["things"])
    assert office.seen == []


def test_a_login_that_fails_or_leads_elsewhere_names_the_settings_and_no_secret(office, read, elsewhere):
    office.answer = ({"error": "wrong s3cret-words"}, 403)
    things = shop(session_token=login()).graph["things"]
    with pytest.raises(ApiError, match=r"session token with .*password: POST .*/login answered 403") as caught:
        read(things)
    assert "s3cret-words" not in str(caught.value)
    office.answer = ({}, 307, {"Location": elsewhere.url + "/login"})
    with pytest.raises(ApiError, match=r"redirects to .*, which is not followed"):
        read(things)
    assert elsewhere.connections == 0
    with pytest.raises(ApiError, match="unencrypted"):
        read(shop(session_token=login(url="http://192.0.2.1/login")).graph["things"])


def test_what_contradicts_itself_or_has_a_secret_in_it_is_refused():
    token = {"auth": {"type": "bearer", "token": Secret("token")}}
    key = {"type": "api_key", "name": "X-Key", "api_key": "k3y-words", "location": "header"}
    for client, options, said in (
        (token, {"auth_choice": CHOICE}, "auth and auth_choice are both set"),
        (None, {"auth_choice": CHOICE, "session_token": login()}, "auth_choice and session_token are both set"),
        (None, {"auth_choice": replace(CHOICE, by=Setting("method"), options={"key": key})}, "api_key of auth is writ"),
        (None, {"session_token": login(json={"password": "s3cret"})}, "password of json is written out"),
        (None, {"session_token": login(token_path="a[")}, "token_path 'a\\[' is not a JSON path"),
        (None, {"session_token": login(url=Secret("login"))}, "base_url has the secret login"),
        (None, {"auth_choice": AuthChoice(by=Setting("a"), options={"b": {"type": "magic"}})}, "shop"),
    ):
        with pytest.raises(ValueError, match=said) as caught:
            shop(client, **options)
        assert "k3y-words" not in str(caught.value)
    for make, said in (
        (lambda: AuthChoice(by="method", options={"a": {}}), "by is 'method'"),
        (lambda: AuthChoice(by=Setting("a"), options={}), "options is empty"),
        (lambda: AuthChoice(by=Setting("a", choices=("b",)), options={"c": {}}), "are not the choices"),
        (lambda: AuthChoice(by=Setting("a", default=None), options={"c": {}}), "must have a value"),
        (lambda: login(data={"a": 1}), "json and data are both set"),
        (lambda: login(expires_after="soon"), "expires_after"),
    ):
        with pytest.raises(ValueError, match=said):
            make()
