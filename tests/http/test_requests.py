"""What goes out in a request: bounds, booleans, lists, tokens; and which responses are errors."""

import stat
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors_dagster import Connector, Cursor, ResourceOptions, Retry, Secret, Setting, TimestampFormat
from connectors_dagster.config.workdir import kept_secrets
from connectors_dagster.errors import ApiError, TransientApiError
from connectors_dagster.sandbox import serving
from connectors_dagster.secrets.redaction import redact
from tests.support.shop import things
from tests.support.wire import reply

ROWS = {"data": [{"id": "1"}]}


def body_of(text: str) -> Any:
    return orjson.loads(text.partition("\r\n\r\n")[2])


def with_window(resource, **endpoint: Any):
    config: Any = dict(resource.connector.config)
    (declared,) = config["resources"]
    config["resources"] = [
        {**declared, "endpoint": {**declared["endpoint"], **endpoint, "incremental": {"cursor_path": "at"}}}
    ]
    options = {"things": ResourceOptions(cursor=Cursor())}
    return replace(resource.connector, config=config, resources=options).graph["things"]


@pytest.mark.parametrize(("value", "sent"), [(False, ["false"]), (True, ["true"]), (["a", "b"], ["a", "b"])])
def test_query_parameters_are_written_as_apis_expect_them(shop, tmp_path, read, value, sent):
    shop.replies = [reply(ROWS)]
    read(things(tmp_path, params={"archived": value}))
    assert parse_qs(urlsplit(shop.paths[0]).query)["archived"] == sent


def test_lists_in_query_parameters_are_joined_where_declared(shop, tmp_path, read):
    shop.replies = [reply(ROWS)]
    connector = things(tmp_path, params={"status": ["open", "closed"]}).connector
    read(replace(connector, join_list_params=True).graph["things"])
    assert parse_qs(urlsplit(shop.paths[0]).query)["status"] == ["open,closed"]


def test_the_bounds_of_a_window_go_anywhere_in_a_request(shop, tmp_path, read):
    shop.replies = [reply({"data": [{"id": "1", "at": "2024-01-05T00:00:00Z"}]})]
    bounds = {"since": "{incremental.start_value}", "until": "before {incremental.end_value}"}
    resource = with_window(
        things(tmp_path), path="/things/{incremental.start_value}", method="POST", json={"filter": [bounds]}
    )
    assert resource.bounded
    rows, _ = read(resource)
    assert [row["id"] for row in rows] == ["1"]
    assert shop.paths == ["/things/2024-01-01T00:00:00Z"]
    assert body_of(shop.received[0]) == {
        "filter": [{"since": "2024-01-01T00:00:00Z", "until": "before 2024-01-31T00:00:00Z"}]
    }


def test_a_bound_that_is_a_whole_value_keeps_its_type_and_graphql_keeps_its_braces(shop, tmp_path, read):
    shop.replies = [reply({"data": [{"id": "1", "at": 1704412800}]})]
    query = "query($since: Int) { things(since: $since) { id at } }"
    resource = with_window(
        things(tmp_path), method="POST", json={"query": query, "variables": {"since": "{incremental.start_value}"}}
    )
    cursor = Cursor(timestamp_format=TimestampFormat(format="epoch_seconds"))
    read(replace(resource.connector, resources={"things": ResourceOptions(cursor=cursor)}).graph["things"])
    assert body_of(shop.received[0]) == {"query": query, "variables": {"since": 1704067200}}


@pytest.mark.parametrize("status", ["408 Request Timeout", "425 Too Early"])
def test_a_request_that_came_too_early_or_took_too_long_is_retried(shop, tmp_path, read, waits, status):
    shop.replies = [reply({}, status), reply(ROWS)]
    rows, stats = read(things(tmp_path, retry=Retry(statuses=frozenset())))
    assert ([row["id"] for row in rows], stats.retries) == (["1"], 1)


def test_a_403_is_retried_if_it_says_when(shop, tmp_path, read, waits):
    shop.replies = [reply({}, "403 Forbidden", Retry_After="7"), reply(ROWS)]
    read(things(tmp_path))
    assert waits == [7]


def test_a_refused_connection_is_retried_for_half_a_minute_and_not_for_a_quarter_of_an_hour(
    tmp_path, shop, read, waits, monkeypatch
):
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", "http://127.0.0.1:1")
    with pytest.raises(TransientApiError, match=r"shop/things: the API did not answer at 127.0.0.1:1: connection refu"):
        read(things(tmp_path, retry=Retry(attempts=10)))
    assert waits == [2, 4, 8, 16]
    waits.clear()
    with pytest.raises(TransientApiError, match="connection refused"):
        read(things(tmp_path, retry=Retry(attempts=10, connect_wait=timedelta(minutes=2))))
    assert waits == [2, 4, 8, 16, 32]


REPORTED = [
    {"success": False, "data": [], "message": "key expired"},
    {"ok": False, "data": [], "error": "key expired"},
    {"status": "error", "data": [], "message": "key expired"},
    {"errors": [{"message": "key expired"}], "data": []},
    {"errors": [{"message": "key expired"}], "data": None},
    {"error": "key expired", "data": []},
]


@pytest.mark.parametrize("body", REPORTED)
def test_a_successful_response_that_reports_an_error_fails(shop, tmp_path, read, body):
    shop.replies = [reply(body)]
    with pytest.raises(ApiError, match=r"shop/things: GET .* answered 200 and reports an error: .*key expired"):
        read(things(tmp_path))


def test_what_looks_like_an_error_beside_rows_or_in_the_only_row_is_not_one(shop, tmp_path, read):
    shop.replies = [reply({"errors": [], "data": [{"id": "1"}], "status": "ok"})]
    assert len(read(things(tmp_path))[0]) == 1
    shop.replies = [reply({"id": "1", "status": "error"})]
    assert len(read(things(tmp_path, selector="$"))[0]) == 1


def test_a_connector_declares_where_errors_are_reported_and_whether_they_are_retried(shop, tmp_path, read, waits):
    connector = things(tmp_path).connector
    shop.replies = [reply({"meta": {"fault": "busy"}, "data": []}), reply(ROWS)]
    declared = replace(connector, error_when="meta.fault", retry_reported_errors=True)
    rows, stats = read(declared.graph["things"])
    assert ([row["id"] for row in rows], stats.retries) == (["1"], 1)
    shop.replies = [reply({"success": False, "data": [{"id": "2"}]})]
    assert len(read(replace(connector, error_when="").graph["things"])[0]) == 1


class Tokens:
    """An API whose tokens come from an endpoint of its own."""

    def __init__(self) -> None:
        self.issued, self.valid, self.asked = 0, "", []
        self.answer: Any = None
        self.refusal: Any = {"error": "token expired"}
        self.seen, self.authorized = [], []
        self.newer: str | None = None

    async def token(self, request: Request) -> JSONResponse:
        form = (await request.body()).decode()
        self.asked.append(form)
        self.authorized.append(request.headers.get("authorization"))
        if self.answer is not None:
            return JSONResponse(*self.answer)
        self.issued += 1
        self.valid = f"t0ken-{self.issued}"
        newer = {"refresh_token": f"{self.newer}-{self.issued}"} if self.newer else {}
        return JSONResponse({"access_token": self.valid, "expires_in": 3600, **newer})

    async def things(self, request: Request) -> JSONResponse:
        self.seen.append(request.headers.get("authorization"))
        if self.seen[-1] != f"Bearer {self.valid}":
            return JSONResponse(self.refusal, 401)
        page = int(request.query_params.get("page", "1"))
        if page == 2 and self.issued == 1:
            self.valid = "revoked"
            return JSONResponse({"error": "token expired"}, 401)
        return JSONResponse({"data": [{"id": str(page)}] if page < 4 else []})


@pytest.fixture
def tokens(tmp_path, monkeypatch):
    tokens = Tokens()
    routes = [Route("/token", tokens.token, methods=["POST"]), Route("/things", tokens.things)]
    with serving(Starlette(routes=routes)) as port:
        url = f"http://127.0.0.1:{port}"
        for name, value in {"base_url": url, "client_id": "me", "client_secret": "s3cret-words"}.items():
            monkeypatch.setenv(f"SOURCES__SHOP__{name}".upper(), value)
        tokens.connector = oauth_connector(tmp_path, f"{url}/token")
        yield tokens


def oauth_connector(folder, token_url: str) -> Connector:
    schema = folder / "shop.schema.yaml"
    schema.write_text("tables: {things: {columns: {id: {data_type: text, nullable: false}}}}\n")
    auth = {
        "type": "oauth2_client_credentials",
        "access_token_url": token_url,
        "client_id": Setting("client_id"),
        "client_secret": Secret("client_secret"),
    }
    endpoint = {
        "path": "/things",
        "data_selector": "data",
        "paginator": {"type": "page_number", "base_page": 1, "total_path": None},
    }
    config: Any = {
        "client": {"base_url": Setting("base_url"), "auth": auth},
        "resources": [{"name": "things", "primary_key": "id", "endpoint": endpoint}],
    }
    return Connector(name="shop", description="A shop", schema=schema, config=config)


def test_a_token_that_is_revoked_while_pages_are_read_is_replaced_once(tokens, read):
    rows, _ = read(tokens.connector.graph["things"])
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert tokens.issued == 2


def with_refresh_token(connector: Connector) -> Connector:
    config: Any = connector.config
    data = {"grant_type": "refresh_token", "refresh_token": Secret("refresh_token")}
    client = {**config["client"], "auth": {**config["client"]["auth"], "access_token_request_data": data}}
    return replace(connector, config={**config, "client": client})


def test_a_refresh_token_that_the_api_replaces_is_kept_for_the_next_load_until_another_one_is_configured(
    tokens, read, monkeypatch, tmp_path
):
    monkeypatch.setenv("CONNECTORS__WORK_FOLDER", str(tmp_path / "work"))
    monkeypatch.setenv("SOURCES__SHOP__REFRESH_TOKEN", "f1rst-words")
    resource, tokens.newer = with_refresh_token(tokens.connector).graph["things"], "n3wer-words"
    for _ in range(2):
        rows, _ = read(resource)
        assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert redact("n3wer-words-2") != "n3wer-words-2"
    monkeypatch.setenv("SOURCES__SHOP__REFRESH_TOKEN", "s3cond-words")
    read(resource)
    sent = [parse_qs(form)["refresh_token"][0] for form in tokens.asked]
    assert sent == ["f1rst-words", "n3wer-words-1", "n3wer-words-2", "s3cond-words"]
    files = sorted((tmp_path / "work" / "tokens").glob("*.json"))
    assert len(files) == 2 and all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)


def test_a_refresh_token_that_another_run_uses_for_too_long_is_a_passing_error(tokens, read, monkeypatch, tmp_path):
    monkeypatch.setenv("CONNECTORS__WORK_FOLDER", str(tmp_path / "work"))
    monkeypatch.setenv("CONNECTORS__SIBLINGS_TIMEOUT", "0.05")
    monkeypatch.setenv("SOURCES__SHOP__REFRESH_TOKEN", "f1rst-words")
    with (
        kept_secrets().alone("f1rst-words"),
        pytest.raises(TransientApiError, match="another run has used the refresh"),
    ):
        read(with_refresh_token(tokens.connector).graph["things"])
    assert not tokens.asked


def test_a_refresh_token_is_exchanged_for_access_tokens_and_masked(tokens, read, monkeypatch):
    monkeypatch.setenv("SOURCES__SHOP__REFRESH_TOKEN", "refr3sh-words")
    resource = with_refresh_token(tokens.connector).graph["things"]
    rows, _ = read(resource)
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    sent = [parse_qs(form) for form in tokens.asked]
    assert [(form["grant_type"], form["refresh_token"]) for form in sent] == 2 * [
        (["refresh_token"], ["refr3sh-words"])
    ]
    tokens.answer = ({"error": "invalid_grant refr3sh-words"}, 400)
    with pytest.raises(
        ApiError, match=r"client_id and client_secret and refresh_token: .*/token answered 400"
    ) as caught:
        read(resource)
    assert "refr3sh-words" not in str(caught.value)


def test_a_token_endpoint_that_refuses_names_the_settings_and_no_secret(tokens, read):
    tokens.answer = ({"error": "invalid_client s3cret-words"}, 401)
    with pytest.raises(
        ApiError, match=r"shop: access token with client_id and client_secret: POST .*/token answered 401"
    ) as caught:
        read(tokens.connector.graph["things"])
    assert "s3cret-words" not in str(caught.value)


def test_a_body_that_is_not_utf_8_is_named_with_the_byte(shop, read, tmp_path):
    shop.replies = 4 * [reply(b'{"data": [{"id": "\xff"}]}')]
    with pytest.raises(ApiError, match="a body that is not utf-8, because of 0xff at byte 18"):
        read(things(tmp_path, retry=Retry(attempts=0)))


def test_a_token_may_be_valid_for_an_unknown_time(tokens, read):
    tokens.valid, tokens.issued = "t0ken", 2
    tokens.answer = ({"access_token": "t0ken", "expires_in": None}, 200)
    rows, _ = read(tokens.connector.graph["things"])
    assert [row["id"] for row in rows] == ["1", "2", "3"]


def test_a_response_without_a_token_fails_instead_of_sending_none(tokens, read):
    tokens.answer = ({"token": "x"}, 200)
    with pytest.raises(ApiError, match="has no access_token"):
        read(tokens.connector.graph["things"])


@pytest.mark.parametrize(
    "answer",
    [
        *(
            {"access_token": token}
            for token in (None, "", "None", "null", 7, ["t0ken"], {"t0": "ken"}, "t0 ken\r\nX: y")
        ),
        *({"access_token": "t0ken", "expires_in": time} for time in ("soon", [1], 10**30)),
        *([], "t0ken", None, 7),
    ],
)
def test_a_token_that_cannot_be_used_fails_with_a_name_and_is_not_sent(tokens, read, answer):
    tokens.answer = (answer, 200)
    with pytest.raises(ApiError, match=r"^shop: access token with client_id and client_secret: .*/token") as caught:
        read(tokens.connector.graph["things"])
    assert "t0ken" not in str(caught.value)
    assert tokens.seen == []


@pytest.mark.parametrize("word", ["None", "null", "undefined"])
def test_a_word_that_stands_for_no_token_is_not_masked_from_then_on(tokens, read, word):
    tokens.answer = ({"access_token": word, "refresh_token": word}, 200)
    with pytest.raises(ApiError, match="has no access_token"):
        read(tokens.connector.graph["things"])
    assert redact(f"is {word}able") == f"is {word}able"


def test_a_token_request_is_not_redirected(tokens, read, elsewhere):
    tokens.answer = ({}, 307, {"Location": elsewhere.url + "/token"})
    with pytest.raises(ApiError, match=r"redirects to .*, which is not followed"):
        read(tokens.connector.graph["things"])
    assert elsewhere.connections == 0


def test_a_token_request_does_not_use_netrc(tokens, read, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    read(tokens.connector.graph["things"])
    assert set(tokens.authorized) == {None}


def test_secrets_are_not_sent_to_a_token_endpoint_without_encryption(tokens, read, tmp_path):
    connector = oauth_connector(tmp_path, "http://192.0.2.1/token")
    with pytest.raises(ApiError, match="unencrypted"):
        read(connector.graph["things"])


def test_tokens_that_an_api_issued_are_masked(tokens, read):
    tokens.answer = ({"access_token": "t0ken-x/y", "refresh_token": "refr3sh-x/y", "id_token": "id-t0ken"}, 200)
    tokens.refusal = {"error": r"rejected t0ken-x\/y, refr3sh-x%2Fy and id-t0ken"}
    with pytest.raises(ApiError, match=r"answered 401: .*rejected \*\*\*, \*\*\* and \*\*\*"):
        read(tokens.connector.graph["things"])
