"""Credentials go only to the connector's own origin, whatever the API responds."""

import base64
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors_dagster import Secret, Setting
from connectors_dagster.errors import ApiError, ForeignOriginError
from tests.support.shop import AUTH, SECRETS, things
from tests.support.wire import reply

NEXT = {"type": "json_link", "next_url_path": "next"}
REDIRECTS = {301: "Moved Permanently", 302: "Found", 303: "See Other", 307: "Temporary", 308: "Permanent"}


# Links to the next page


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:{elsewhere}/things?page=2",
        "//127.0.0.1:{elsewhere}/things?page=2",
        "http://localhost:{own}/things?page=2",
        "https://127.0.0.1:{own}/things?page=2",
        "http://someone:else@127.0.0.1:{own}/things?page=2",
        "http://127.0.0.1:{own}@127.0.0.1:{elsewhere}/things?page=2",
        "http://127.0.0.1:{elsewhere}#@127.0.0.1:{own}/things?page=2",
        "HTTP://127.0.0.1:{elsewhere}/things",
        " http://127.0.0.1:{elsewhere}/things",
        "http://127.0.0.1:{own}.example.com/things",
        "http://127.0.0.1:0/things",
        "http://[::1/things",
        "http:///things",
        "ftp://127.0.0.1:{elsewhere}/things",
        "file:///etc/passwd",
    ],
)
def test_a_link_to_another_origin_is_not_followed(shop, elsewhere, read, project, link):
    address = link.format(own=shop.port, elsewhere=elsewhere.port)
    shop.replies = [reply({"data": [{"id": "1"}], "next": address})]
    for number, auth in enumerate(AUTH, 1):
        with pytest.raises(ApiError) as error:
            read(things(project, auth=auth, paginator=NEXT))
        assert (len(shop.received), elsewhere.connections) == (number, 0)
        assert not [secret for secret in SECRETS.values() if secret in str(error.value)]


def test_an_ambiguous_link_leads_to_the_apis_own_origin_or_nowhere(shop, elsewhere, read, project):
    shop.replies = [reply({"data": [], "next": rf"{shop.url}\@127.0.0.1:{elsewhere.port}/"}), reply({"data": []})]
    read(things(project, paginator=NEXT))
    assert (len(shop.received), elsewhere.connections) == (2, 0)


def test_the_error_names_the_refused_link(shop, elsewhere, read, project):
    shop.replies = [reply({"data": [], "next": f"{elsewhere.url}/things?page=2"})]
    with pytest.raises(ForeignOriginError) as error:
        read(things(project, paginator=NEXT))
    assert str(error.value) == (
        f"shop/things: refused to follow a link to {elsewhere.url}/things?page=2: it leaves the API's origin {shop.url}"
    )


def test_a_link_in_a_header_to_another_origin_is_not_followed(shop, elsewhere, read, project):
    shop.replies = [reply({"data": []}, Link=f'<{elsewhere.url}/things?page=2>; rel="next"')]
    with pytest.raises(ForeignOriginError):
        read(things(project, paginator="header_link"))
    assert elsewhere.connections == 0


@pytest.mark.parametrize("link", ["/things?page=2", "?page=2", "{own}/things?page=2"])
def test_a_link_to_the_apis_own_origin_is_followed(shop, read, project, link):
    pages = [{"data": [{"id": "1"}], "next": link.format(own=shop.url)}, {"data": [{"id": "2"}], "next": None}]
    shop.replies = [reply(page) for page in pages]
    assert [row["id"] for row in read(things(project, paginator=NEXT))[0]] == ["1", "2"]
    assert shop.paths == ["/things", "/things?page=2"]


def test_a_path_at_another_origin_is_refused(shop, elsewhere, read, project):
    with pytest.raises(ForeignOriginError):
        read(things(project, path=f"{elsewhere.url}/things"))
    assert (shop.connections, elsewhere.connections) == (0, 0)


# Redirects


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_to_another_origin_is_not_followed(shop, elsewhere, read, project, status):
    for location in (f"{elsewhere.url}/things", f"//127.0.0.1:{elsewhere.port}/", f"http://localhost:{shop.port}/"):
        shop.replies = [reply(b"", f"{status} {REDIRECTS[status]}", Location=location)]
        for auth in AUTH:
            with pytest.raises(ForeignOriginError, match=r"refused to follow a link to .* it leaves the API's origin"):
                read(things(project, auth=auth))
    assert (len(shop.received), elsewhere.connections) == (3 * len(AUTH), 0)


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_within_the_origin_is_followed_with_the_credentials(
    shop, read, project, monkeypatch, tmp_path, status
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    shop.replies = [reply(b"", f"{status} {REDIRECTS[status]}", Location="/v2"), reply({"data": [{"id": "1"}]})]
    rows, stats = read(things(project))
    assert ([row["id"] for row in rows], shop.paths, stats.requests) == (["1"], ["/things", "/v2"], 2)
    assert [f"Authorization: Bearer {SECRETS['api_key']}" in text for text in shop.received] == [True, True]


@pytest.mark.parametrize("link", ["page=2&api_key=XXXX", "api_key=XXXX&page=2&x=a%2Fb", "page=2"])
def test_a_link_that_has_an_api_key_already_is_requested_with_ours_only(shop, read, project, link):
    shop.replies = [reply({"data": [{"id": "1"}], "next": f"/things?{link}"}), reply({"data": [{"id": "2"}]})]
    read(things(project, auth="query", paginator={"type": "json_link", "next_url_path": "next"}))
    query = urlsplit(shop.paths[1]).query
    assert parse_qs(query)["api_key"] == [SECRETS["api_key"]]
    assert query.startswith(link.replace("api_key=XXXX", "").strip("&"))


# Credentials of the machine


@pytest.fixture
def netrc(tmp_path, monkeypatch):
    """Credentials for every host of these tests that belong to another program."""
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login someone password else\nmachine localhost login someone password else\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))


def test_credentials_in_netrc_never_replace_or_join_declared_ones(shop, read, project, netrc):
    resource = things(project)
    shop.replies = [reply(b"", "302 Found", Location="/v2"), reply({"data": [{"id": "1"}]})]
    client = {"base_url": Setting("base_url"), "headers": {"Authorization": Secret("api_key")}}
    read(replace(resource.connector, config={**resource.connector.config, "client": client}).graph["things"])
    assert [f"Authorization: {SECRETS['api_key']}\r\n" in text for text in shop.received] == [True, True]
    for auth in AUTH:
        shop.received.clear()
        read(things(project, auth=auth))
        assert "someone" not in "".join(shop.received)
        assert base64.b64encode(b"someone:else").decode() not in "".join(shop.received)


def test_without_credentials_those_in_netrc_are_not_sent(shop, read, project, netrc):
    resource = things(project)
    client = {"base_url": Setting("base_url")}
    read(replace(resource.connector, config={**resource.connector.config, "client": client}).graph["things"])
    assert "Authorization" not in shop.received[0]


def test_circular_redirects_fail(shop, read, project):
    shop.replies = [reply(b"", "302 Found", Location="/things")]
    with pytest.raises(ApiError, match="Exceeded 30 redirects"):
        read(things(project))
