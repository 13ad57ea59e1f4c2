"""Credentials go to the connector's own origin, over TLS that is verified, and nowhere else."""

import pytest

from connectors_dagster import pipeline
from connectors_dagster.connector import Connector
from connectors_dagster.definitions import enabled_connectors
from connectors_dagster.errors import ApiError, ForeignOriginError
from connectors_dagster.window import WindowGrid
from tests.shop import AUTH, SECRETS, settings, things
from tests.wire import Wire, reply

NEXT = {"type": "json_link", "next_url_path": "next"}
REDIRECTS = {301: "Moved Permanently", 302: "Found", 303: "See Other", 307: "Temporary", 308: "Permanent"}


@pytest.fixture
def shop(wire, monkeypatch):
    """The API of `things`."""
    for name, value in settings(wire.url).items():
        monkeypatch.setenv(name, value)
    return wire


@pytest.fixture
def elsewhere():
    """Another server, which nobody should ever hear from."""
    with Wire([reply({"data": [{"id": "stolen"}]})]).served() as elsewhere:
        yield elsewhere


@pytest.fixture
def tls_shop(tls_wire, monkeypatch):
    """The API of `things` behind TLS."""
    for name, value in settings(tls_wire.url).items():
        monkeypatch.setenv(name, value)
    tls_wire.replies = [reply({"data": [{"id": "1"}]})]
    return tls_wire


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


def test_a_link_that_parsers_read_in_two_ways_leads_to_the_own_origin_or_nowhere(shop, elsewhere, read, project):
    shop.replies = [reply({"data": [], "next": rf"{shop.url}\@127.0.0.1:{elsewhere.port}/"}), reply({"data": []})]
    read(things(project, paginator=NEXT))
    assert (len(shop.received), elsewhere.connections) == (2, 0)


def test_what_was_not_followed_is_named(shop, elsewhere, read, project):
    shop.replies = [reply({"data": [], "next": f"{elsewhere.url}/things?page=2"})]
    with pytest.raises(ForeignOriginError) as error:
        read(things(project, paginator=NEXT))
    assert str(error.value) == (
        f"shop/things: the API pointed to {elsewhere.url}/things?page=2, which is not at {shop.url}: "
        "not followed, the credentials stay here"
    )


def test_a_link_in_a_header_to_another_origin_is_not_followed(shop, elsewhere, read, project):
    shop.replies = [reply({"data": []}, Link=f'<{elsewhere.url}/things?page=2>; rel="next"')]
    with pytest.raises(ForeignOriginError):
        read(things(project, paginator="header_link"))
    assert elsewhere.connections == 0


@pytest.mark.parametrize("link", ["/things?page=2", "?page=2", "{own}/things?page=2"])
def test_a_link_to_the_own_origin_is_followed(shop, read, project, link):
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
            with pytest.raises(ForeignOriginError, match="not followed, the credentials stay here"):
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
    rows, tally = read(things(project))
    assert ([row["id"] for row in rows], shop.paths, tally.requests) == (["1"], ["/things", "/v2"], 2)
    assert [f"Authorization: Bearer {SECRETS['api_key']}" in text for text in shop.received] == [True, True]


def test_redirects_in_a_circle_fail(shop, read, project):
    shop.replies = [reply(b"", "302 Found", Location="/things")]
    with pytest.raises(ApiError, match="Exceeded 30 redirects"):
        read(things(project))


# TLS


def test_tls_is_followed_down_to_plain_http_by_neither_link_nor_redirect(
    tls_shop, elsewhere, read, project, certificate, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    for answer in (
        reply({"data": [], "next": f"{elsewhere.url}/things"}),
        reply({"data": [], "next": f"http://127.0.0.1:{tls_shop.port}/things"}),
        reply(b"", "302 Found", Location=f"{elsewhere.url}/things"),
    ):
        tls_shop.replies = [answer]
        with pytest.raises(ForeignOriginError):
            read(things(project, paginator=NEXT))
    assert (len(tls_shop.received), elsewhere.connections) == (3, 0)


def test_a_certificate_nobody_trusts_is_refused_whatever_the_environment_says(
    tls_shop, read, project, waits, monkeypatch
):
    off = {"CURL_CA_BUNDLE": "", "REQUESTS_CA_BUNDLE": "", "PYTHONHTTPSVERIFY": "0", "SSL_CERT_FILE": ""}
    off |= {"SOURCES__SHOP__VERIFY": "false", "VERIFY": "false", "SOURCES__SHOP__ALLOW_HTTP": "true"}
    for name, value in {**dict.fromkeys(off, ""), **off}.items():
        monkeypatch.setenv(name, value)
        with pytest.raises(ApiError, match=r"CERTIFICATE_VERIFY_FAILED.*REQUESTS_CA_BUNDLE names the certificates"):
            read(things(project))
    assert (tls_shop.received, waits) == ([], [])


def test_a_session_cannot_be_told_to_skip_verification(tls_shop, project):
    from connectors_dagster.session import ApiSession
    from connectors_dagster.tally import Tally

    _, policy = pipeline.connect(things(project).connector)
    session = ApiSession(policy, Tally(), "shop/things")
    session.verify = False
    with pytest.raises(ApiError, match="CERTIFICATE_VERIFY_FAILED"):
        session.get(f"{tls_shop.url}/things", verify=False)
    assert tls_shop.received == []


def test_a_certificate_of_ones_own_is_trusted_by_name(tls_shop, read, project, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert [row["id"] for row in read(things(project))[0]] == ["1"]


def test_a_certificate_for_another_host_is_refused(tls_shop, read, project, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"https://localhost:{tls_shop.port}")
    with pytest.raises(ApiError, match="CERTIFICATE_VERIFY_FAILED"):
        read(things(project))
    assert tls_shop.received == []


def test_certificates_that_are_not_there_are_missed_by_name(tls_shop, read, project, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(project / "nowhere.pem"))
    with pytest.raises(ApiError, match=r"shop/things: GET .* failed: Could not find .*nowhere\.pem"):
        read(things(project))
    assert tls_shop.received == []


# Plain http


@pytest.mark.parametrize(
    "address",
    [
        "http://api.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://0.0.0.0:80",
        "http://10.0.0.1",
        "http://[::ffff:8.8.8.8]/",
        "HTTP://api.example.com",
    ],
)
def test_plain_http_to_another_machine_is_refused_before_anything_is_sent(project, monkeypatch, address):
    for name, value in settings(address).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ApiError, match="unencrypted: use https, or set allow_http = true"):
        pipeline.connect(things(project).connector)
    monkeypatch.setenv("SOURCES__SHOP__ALLOW_HTTP", "false")
    with pytest.raises(ApiError, match="unencrypted"):
        pipeline.connect(things(project).connector)
    monkeypatch.setenv("SOURCES__SHOP__ALLOW_HTTP", "true")
    pipeline.connect(things(project).connector)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1", "http://127.8.9.10:80", "http://localhost:1", "http://[::1]:8", "https://a.example"]
)
def test_plain_http_within_this_machine_and_https_are_fine(project, monkeypatch, address):
    for name, value in settings(address).items():
        monkeypatch.setenv(name, value)
    pipeline.connect(things(project).connector)


@pytest.mark.parametrize("address", ["api.example.com", "ftp://api.example.com", "https://", "https://a:b:c", ""])
def test_a_base_url_that_is_none_is_refused(project, monkeypatch, address):
    for name, value in settings(address).items():
        monkeypatch.setenv(name, value)
    with pytest.raises((ApiError, pipeline.settings.MissingSettingsError)):
        pipeline.connect(things(project).connector)


def test_credentials_in_a_base_url_are_refused_and_not_shown(project, monkeypatch):
    for name, value in settings("https://me:s3cr/et@api.example.com/v1").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ApiError, match="base_url holds an @") as error:
        pipeline.connect(things(project).connector)
    assert "s3cr" not in str(error.value)


def test_a_base_url_in_another_spelling_is_the_same_origin(shop, read, project, monkeypatch):
    shop.replies = [reply({"data": [{"id": "1"}]})]
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"HTTP://127.0.0.1:{shop.port}/")
    assert [row["id"] for row in read(things(project))[0]] == ["1"]


def test_a_proxy_gets_nothing_that_is_meant_for_this_machine(shop, elsewhere, read, project, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, elsewhere.url)
    monkeypatch.setenv("NO_PROXY", "")
    shop.replies = [reply(b"", "302 Found", Location="/v2"), reply({"data": [{"id": "1"}]})]
    assert [row["id"] for row in read(things(project))[0]] == ["1"]
    assert (shop.paths, elsewhere.connections) == (["/things", "/v2"], 0)


# Names


@pytest.mark.parametrize(
    "name", ["../shop", "shop/x", "sh op", 'shop"; DROP TABLE x; --', "Shop", "1shop", "_shop", "shop\n", "shöp", "."]
)
def test_a_name_that_is_no_plain_word_never_becomes_a_path_or_a_table(project, name):
    good = things(project).connector
    with pytest.raises(ValueError, match="must be lower-case identifiers"):
        Connector(name=name, description="", schema=good.schema, config=good.config)
    resources = [{**good.config["resources"][0], "name": name}]
    with pytest.raises(ValueError, match="must be lower-case identifiers"):
        Connector(name="shop", description="", schema=good.schema, config={**good.config, "resources": resources})


@pytest.mark.parametrize("key", ["../2024-01-01", "2024-01-01'; --", "2024-01-01/..", "2024-01-02", "", "latest"])
def test_a_window_key_is_looked_up_and_never_used_as_it_comes(key):
    with pytest.raises(ValueError, match="window"):
        WindowGrid("P30D", "2024-01-01").find(key)


@pytest.mark.parametrize(
    ("step", "start"), [("P30D/../..", "2024-01-01"), ("P30D'; --", "2024-01-01"), ("P30D", "../../etc"), ("P30D", "'")]
)
def test_a_step_or_start_that_is_no_time_is_refused(step, start):
    with pytest.raises(ValueError, match="ISO 8601"):
        WindowGrid(step, start)


def test_a_connector_that_is_not_there_cannot_be_turned_on(monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "../../etc")
    with pytest.raises(ValueError, match=r"CONNECTORS__ENABLED names .*there are billing"):
        enabled_connectors()
