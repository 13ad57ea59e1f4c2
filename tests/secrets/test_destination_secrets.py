"""The password of the destination is masked, also where its address is malformed."""

import base64
from urllib.parse import quote

import dlt
import pytest
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

from connectors_dagster.config.destination_secrets import destination_secrets
from connectors_dagster.errors import ApiError
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from tests.secrets.test_secrets import kept_by
from tests.support.leaks import leaks
from tests.support.rows import NOW
from tests.support.shop import settings, things

PASSWORD = "pä55/w@rd#w:rd"
QUOTED = f"HTTP/1.1 407 need {PASSWORD} or {base64.b64encode(f'proxy:{PASSWORD}'.encode()).decode()}\r\n\r\n"
MALFORMED = [
    f"postgresql://loader:{PASSWORD}@127.0.0.1:1/warehouse",
    f"postgresql:/loader:{PASSWORD}@127.0.0.1:1/warehouse",
    f"postgresql//loader:{PASSWORD}@127.0.0.1:1/warehouse",
    f"loader:{PASSWORD}@127.0.0.1:1/warehouse",
    f"postgresql://loader:{PASSWORD}@127.0.0.1:port/warehouse",
    f"postgresql://loader:{PASSWORD}@[::1/warehouse",
    f"host=127.0.0.1 port=1 user=loader password='{PASSWORD}'",
    f'{{"host": "127.0.0.1", "password": "{PASSWORD}"',
]


@pytest.mark.parametrize("password", [PASSWORD, f"{PASSWORD}#1"])
def test_the_password_of_a_proxy_is_masked(wire, forgetful, project, waits, read, monkeypatch, password):
    wire.replies = [lambda connection: connection.sendall(QUOTED.encode("latin-1"))]
    for name, value in settings("https://shop.example").items():
        monkeypatch.setenv(name, value)
    written = quote(password, safe="") if password == PASSWORD else password
    monkeypatch.setenv("HTTPS_PROXY", f"http://proxy:{written}@127.0.0.1:{wire.port}")
    with pytest.raises(ApiError) as error:
        read(things(project))
    assert "***" in str(error.value)
    assert leaks(str(error.value), [PASSWORD, PASSWORD[:4]]) == []


@pytest.fixture
def to_postgres(shop, monkeypatch):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "postgres")


@pytest.mark.parametrize("address", MALFORMED)
def test_the_password_in_a_malformed_address_is_masked(to_postgres, forgetful, project, monkeypatch, capfd, address):
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", address)
    with pytest.raises(Exception) as error, loading(LoadRequest(now=NOW, resources=[things(project)])):  # noqa: PT011  # any
        pass
    assert leaks(str(error.value) + "".join(capfd.readouterr()), [PASSWORD]) == []
    assert set(destination_secrets())


def test_an_error_about_the_destination_is_stored_without_its_password(
    api, materialize, instance, project, monkeypatch, capfd
):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "postgres")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", MALFORMED[4])
    summary = materialize("catalog/ecommerce_data")
    assert summary.errors
    shown = kept_by(instance, project) + "".join(summary.errors) + "".join(capfd.readouterr())
    assert leaks(shown, [PASSWORD]) == []


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("DESTINATION__POSTGRES__CREDENTIALS__PASSWORD", "pass-word", {"pass-word"}),
        ("DESTINATION__POSTGRES__CREDENTIALS", "postgresql://me:a%2Fb%40c@db/x", {"a%2Fb%40c", "a/b@c"}),
        ("DESTINATION__POSTGRES__CREDENTIALS", '{"username": "me", "password": "pass-word"}', {"pass-word"}),
        ("DESTINATION__POSTGRES__CREDENTIALS", '{"username": "me", "password": ', {'{"username": "me", "password": '}),
        ("DESTINATION__BIGQUERY__CREDENTIALS__PRIVATE_KEY", "-----BEGIN", {"-----BEGIN"}),
        ("DESTINATION__MOTHERDUCK__CREDENTIALS", "md:///db?motherduck_token=t0ken", {"t0ken"}),
        ("SHOP_THINGS__DESTINATION__CREDENTIALS", "postgresql://me:pass-word@db/x", {"pass-word"}),
        ("CREDENTIALS__PASSWORD", "pass-word", {"pass-word"}),
        ("DESTINATION__DUCKDB__CREDENTIALS", "/data/warehouse.duckdb", set()),
        ("DESTINATION__POSTGRES__CREDENTIALS__HOST", "db.example", set()),
    ],
)
def test_secrets_of_a_destination_are_found_wherever_dlt_reads_them(monkeypatch, name, value, secrets):
    monkeypatch.delenv("DESTINATION__DUCKDB__CREDENTIALS")
    monkeypatch.setenv(name, value)
    assert set(destination_secrets()) == secrets


@pytest.fixture
def configured(project):
    """Write secrets into the file of the project, and read them."""
    (project / ".dlt").mkdir()
    context, before = Container()[PluggableRunContext], dlt.current.run_context().run_dir

    def write(text: str) -> None:
        (project / ".dlt" / "secrets.toml").write_text(text)
        context.reload(str(project))

    yield write
    context.reload(before)


def test_secrets_of_a_destination_in_the_file_are_found(configured):
    configured(
        '[destination.postgres.credentials]\nhost = "db"\npassword = "pass-word"\n'
        '[destination.mssql]\ncredentials = "mssql://me:pass-w0rd@db/x"\n'
    )
    assert set(destination_secrets()) == {"pass-word", "pass-w0rd"}
