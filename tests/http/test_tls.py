"""Credentials are sent only over verified TLS; plain http is for this machine only."""

import pytest

from connectors_dagster.config.placeholders import MissingSettingsError
from connectors_dagster.errors import ApiError, ForeignOriginError
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.session import ApiSession
from connectors_dagster.read import connection
from tests.support.shop import settings, things
from tests.support.wire import reply

NEXT = {"type": "json_link", "next_url_path": "next"}


# TLS


def test_no_link_or_redirect_leads_from_tls_to_plain_http(tls_shop, elsewhere, read, project, certificate, monkeypatch):
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


def test_an_untrusted_certificate_is_refused_whatever_the_environment_says(tls_shop, read, project, waits, monkeypatch):
    off = {"CURL_CA_BUNDLE": "", "REQUESTS_CA_BUNDLE": "", "PYTHONHTTPSVERIFY": "0", "SSL_CERT_FILE": ""}
    off |= {"SOURCES__SHOP__VERIFY": "false", "VERIFY": "false", "SOURCES__SHOP__ALLOW_HTTP": "true"}
    for name, value in {**dict.fromkeys(off, ""), **off}.items():
        monkeypatch.setenv(name, value)
        with pytest.raises(
            ApiError, match=r"CERTIFICATE_VERIFY_FAILED.*set REQUESTS_CA_BUNDLE to the file of certificates"
        ):
            read(things(project))
    assert (tls_shop.received, waits) == ([], [])


def test_a_session_cannot_skip_verification(tls_shop, project):
    policy = connection.connect(things(project).connector).policy
    session = ApiSession(policy, ReadStats(), "shop/things")
    session.verify = False
    with pytest.raises(ApiError, match="CERTIFICATE_VERIFY_FAILED"):
        session.get(f"{tls_shop.url}/things", verify=False)
    assert tls_shop.received == []


def test_a_private_certificate_is_trusted_when_it_is_configured(tls_shop, read, project, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert [row["id"] for row in read(things(project))[0]] == ["1"]


def test_a_certificate_for_another_host_is_refused(tls_shop, read, project, certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"https://localhost:{tls_shop.port}")
    with pytest.raises(ApiError, match="CERTIFICATE_VERIFY_FAILED"):
        read(things(project))
    assert tls_shop.received == []


def test_a_missing_certificate_file_is_named(tls_shop, read, project, monkeypatch):
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
        connection.connect(things(project).connector)
    monkeypatch.setenv("SOURCES__SHOP__ALLOW_HTTP", "false")
    with pytest.raises(ApiError, match="unencrypted"):
        connection.connect(things(project).connector)
    monkeypatch.setenv("SOURCES__SHOP__ALLOW_HTTP", "true")
    connection.connect(things(project).connector)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1", "http://127.8.9.10:80", "http://localhost:1", "http://[::1]:8", "https://a.example"]
)
def test_plain_http_within_this_machine_and_https_are_fine(project, monkeypatch, address):
    for name, value in settings(address).items():
        monkeypatch.setenv(name, value)
    connection.connect(things(project).connector)


@pytest.mark.parametrize("address", ["api.example.com", "ftp://api.example.com", "https://", "https://a:b:c", ""])
def test_a_base_url_that_is_not_a_url_is_refused(project, monkeypatch, address):
    for name, value in settings(address).items():
        monkeypatch.setenv(name, value)
    with pytest.raises((ApiError, MissingSettingsError)):
        connection.connect(things(project).connector)


def test_credentials_in_a_base_url_are_refused_and_not_shown(project, monkeypatch):
    for name, value in settings("https://me:s3cr/et@api.example.com/v1").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ApiError, match="base_url contains an @") as error:
        connection.connect(things(project).connector)
    assert "s3cr" not in str(error.value)


def test_a_base_url_in_another_spelling_is_the_same_origin(shop, read, project, monkeypatch):
    shop.replies = [reply({"data": [{"id": "1"}]})]
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", f"HTTP://127.0.0.1:{shop.port}/")
    assert [row["id"] for row in read(things(project))[0]] == ["1"]


def test_requests_to_this_machine_do_not_go_through_a_proxy(shop, elsewhere, read, project, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, elsewhere.url)
    monkeypatch.setenv("NO_PROXY", "")
    shop.replies = [reply(b"", "302 Found", Location="/v2"), reply({"data": [{"id": "1"}]})]
    assert [row["id"] for row in read(things(project))[0]] == ["1"]
    assert (shop.paths, elsewhere.connections) == (["/things", "/v2"], 0)
