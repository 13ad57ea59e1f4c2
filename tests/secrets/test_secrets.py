"""A secret is written only into its request, whatever fails and however much is logged."""

import base64
import io
import logging
import socket
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from starlette.responses import JSONResponse

from connectors_dagster import Retry, Secret, Setting
from connectors_dagster.config.placeholders import MissingSettingsError
from connectors_dagster.errors import ApiError, SettingError
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.orchestration.location import enabled_connectors
from connectors_dagster.spec.placeholders import find_placeholders
from tests.support.leaks import chain, forms, leaks, texts
from tests.support.rows import NOW
from tests.support.shop import AUTH, SECRETS, things
from tests.support.wire import Reply, Wire, reply, silent

KINDS = ["basic", "bearer", "query"]
"""The kinds of credentials that the connectors use."""


@pytest.fixture
def logs(monkeypatch) -> Iterator[Callable[[int], io.StringIO]]:
    """Collect what any logger writes from a level on."""
    written, loggers = io.StringIO(), [logging.getLogger(), logging.getLogger("dlt")]
    handler, levels = logging.StreamHandler(written), [logger.level for logger in loggers]

    def collect(level: int) -> io.StringIO:
        for logger in loggers:
            logger.setLevel(level)
        return written

    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "DEBUG")
    for logger in loggers:
        logger.addHandler(handler)
    yield collect
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


def used_by(auth: str) -> list[str]:
    """List the secrets that a kind of credentials sends."""
    return [SECRETS[name] for name in find_placeholders(AUTH[auth])]


def echo(wire: Wire, status: str, secrets: list[str]) -> Reply:
    """Respond with the request, including the credentials in all encodings."""

    def respond(connection: socket.socket) -> None:
        request = wire.received[-1].encode("latin-1").decode()
        body = {"error": {"request": request, "keys": secrets, "forms": sorted(forms(secrets))}}
        reply(body, status)(connection)

    return respond


FAULTS: dict[str, Callable[[Wire, list[str]], Reply]] = {
    "400": lambda wire, secrets: echo(wire, "400 Bad Request", secrets),
    "401": lambda wire, secrets: echo(wire, "401 Unauthorized", secrets),
    "no rows": lambda wire, secrets: echo(wire, "200 OK", secrets),
    "bad JSON": lambda wire, _: lambda connection: reply(wire.received[-1].encode("latin-1"))(connection),
    "timeout": lambda *_: silent,
    "foreign host": lambda *_: reply(
        b"", "302 Found", Location=f"http://127.0.0.2/?api_key={quote(SECRETS['api_key'])}#{SECRETS['api_key']}"
    ),
}


@pytest.mark.parametrize("auth", KINDS)
@pytest.mark.parametrize("what", [*FAULTS, "refused", "TLS error"])
def test_no_failure_reveals_a_secret(
    shop, tls_wire, read, project, waits, in_a_hurry, logs, capfd, monkeypatch, auth, what
):
    if what in FAULTS:
        shop.replies = [FAULTS[what](shop, used_by(auth))]
    else:
        monkeypatch.setenv("SOURCES__SHOP__BASE_URL", tls_wire.url if what == "TLS error" else "http://127.0.0.1:1")
    resource, secrets = things(project, auth=auth, retry=Retry(attempts=1)), list(SECRETS.values())

    written = logs(logging.INFO)
    with pytest.raises(ApiError) as error:
        read(resource)
    logs(logging.DEBUG)
    with loading(LoadRequest(now=NOW, resources=[resource])) as load:
        failure = load.outcomes["things"].error
        found = [path for path, text in texts(project) if leaks(text, secrets)]
    assert isinstance(failure, ApiError)
    assert found == [path for path, text in texts(project) if leaks(text, secrets)] == []
    assert leaks("".join(capfd.readouterr()), secrets) == []
    assert leaks(chain(error.value) + chain(failure), secrets) == []
    assert leaks(written.getvalue(), secrets) == []
    assert "/things" in written.getvalue()


@pytest.mark.parametrize("auth", KINDS)
def test_a_load_that_succeeds_leaves_no_secret_in_packages_tables_or_logs(shop, project, warehouse, logs, capfd, auth):
    shop.replies = [reply({"data": [{"id": "1"}]})]
    written, secrets = logs(logging.DEBUG), list(SECRETS.values())
    with loading(LoadRequest(now=NOW, resources=[things(project, auth=auth)])) as load:
        assert load.outcomes["things"].error is None
        kept = dict(texts(project))
    assert [path for path, text in kept.items() if leaks(text, secrets)] == []
    assert any("load_package" in str(path) or "completed" in str(path) for path in kept)
    tables = [f"shop.{name}" for name in ("_dlt_loads", "_dlt_version", "_dlt_pipeline_state", "things")]
    rows = [warehouse.query(f"SELECT * FROM {table}") for table in tables]
    [[state]] = warehouse.query("SELECT state FROM shop._dlt_pipeline_state")
    assert leaks(repr(rows) + zlib.decompress(base64.b64decode(state)).decode(), secrets) == []
    assert leaks("".join(capfd.readouterr()) + written.getvalue(), secrets) == []
    assert len(shop.received) == 1
    assert leaks(shop.received[0].encode("latin-1").decode(), secrets)


@pytest.mark.parametrize("status", ["400 Bad Request", "200 OK"])
def test_an_excerpt_of_a_body_never_contains_part_of_a_secret(shop, read, project, waits, status):
    secret = SECRETS["api_key"]
    for before in range(200 - len(secret), 300, 5):
        shop.replies = [reply(b"." * before + secret.encode() + b"." * 300, status)]
        with pytest.raises(ApiError) as error:
            read(things(project, retry=Retry(attempts=0)))
        assert secret[:4] not in str(error.value)


def test_the_query_string_is_logged_without_the_key(shop, read, project, logs):
    written = logs(logging.DEBUG)
    read(things(project, auth="query"))
    assert '"GET /things?api_key=*** HTTP/1.1" 200' in written.getvalue()


def test_a_secret_in_the_parameters_of_an_endpoint_is_sent_and_masked(shop, read, project, logs):
    written = logs(logging.DEBUG)
    read(things(project, params={"account": Secret("password"), "since": Setting("username")}))
    assert shop.paths == [f"/things?account={quote_plus(SECRETS['password'])}&since=J%C3%BCrgen%40example.com"]
    assert leaks(written.getvalue(), [SECRETS["password"]]) == []


def test_a_secret_that_is_too_short_to_be_masked_is_named(shop, read, project, monkeypatch, caplog):
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "ab")
    read(things(project))
    assert "SOURCES__SHOP__API_KEY has fewer than 3 characters: secrets this short are not masked" in caplog.text


def test_a_key_with_a_line_break_fails_without_being_shown(shop, read, project, monkeypatch):
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", "first-line\nsecond-line")
    for auth in ("bearer", "header"):
        with pytest.raises(SettingError, match="SOURCES__SHOP__API_KEY: has a line break") as error:
            read(things(project, auth=auth))
        assert "first-line" not in chain(error.value) and "second-line" not in chain(error.value)


def test_missing_settings_are_listed_and_existing_values_are_not_shown(project, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__API_KEY", "s3cr3t-value")
    connector = next(c for c in enabled_connectors() if c.name == "storefront")
    with (
        pytest.raises(MissingSettingsError, match="SOURCES__STOREFRONT__API_SECRET") as error,
        loading(LoadRequest(now=NOW, resources=[connector.graph["customers"]])),
    ):
        pass
    assert "s3cr3t-value" not in chain(error.value)


# Dagster


ONE_OF_EACH = ["storefront/customers", "catalog/ecommerce_data", "billing/event_types"]
"""Basic credentials, a key in the query string, a bearer token."""


def test_a_failed_run_stores_no_secret(everything_logged, api, materialize, instance, project, waits, capfd):
    api.faults.append(
        lambda request: JSONResponse({"url": str(request.url), "headers": dict(request.headers)}, status_code=401)
    )
    summary = materialize(*ONE_OF_EACH)
    assert len(summary.errors) == 3
    assert "".join(summary.errors).count("answered 401") == 3
    kept, said = kept_by(instance, project), "".join(capfd.readouterr())
    assert kept.count("answered 401") >= 3
    assert leaks(kept + said + "".join(summary.errors), api.secrets) == []


def test_a_successful_run_stores_no_secret(everything_logged, api, materialize, instance, project, capfd):
    api.set("catalog/ecommerce_data", [{"id": 1}])
    assert materialize("catalog/ecommerce_data").errors == []
    kept = kept_by(instance, project)
    assert "GET /catalog/v1/resource?offset=0&limit=100&api_key=***" in kept
    assert leaks(kept, api.secrets) == []
    assert leaks("".join(capfd.readouterr()), api.secrets) == []


def kept_by(instance, project: Path, *, besides: str = "nothing") -> str:
    """Everything an instance stores: events, runs with their tags and configuration, and all files, `besides` one."""
    runs = instance.get_runs()
    events = (repr(event) for run in runs for event in instance.all_logs(run.run_id))
    return "\n".join([repr(runs), *events, *(text for path, text in texts(project) if path.stem != besides)])
