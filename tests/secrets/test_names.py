"""A field whose name says that it is a secret is treated as one wherever it stands."""

from dataclasses import replace

import pytest

from connectors_dagster import Secret, Setting
from connectors_dagster.config.destination_secrets import destination_secrets
from connectors_dagster.secrets.redaction import redact
from tests.support.shop import things

NAMES = (
    "api_key api-key apikey access_key account_key consumer_key private_key token access_token refresh_token id_token "
    "secret client_secret consumer_secret password passwd passphrase pwd authorization"
).split()


OAUTH = {
    "type": "oauth2_client_credentials",
    "access_token_url": "https://127.0.0.1/token",
    "client_id": Setting("client_id"),
    "client_secret": Secret("client_secret"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_a_secret_counts_in_text_in_a_connector_and_in_the_configuration_of_a_destination(
    name, tmp_path, monkeypatch
):
    assert "s3cr3t" not in redact(f"GET http://127.0.0.1/?{name}=s3cr3t") + redact(f'{{"{name}": "s3cr3t"}}')
    with pytest.raises(ValueError, match=f"{name} of headers is written out"):
        things(tmp_path, headers={name: "s3cr3t"})
    shop, auth = things(tmp_path).connector, {**OAUTH, "access_token_request_data": {name: "s3cr3t"}}
    with pytest.raises(ValueError, match=f"{name} of access_token_request_data is written out"):
        replace(shop, config={**shop.config, "client": {"base_url": Setting("base_url"), "auth": auth}})
    monkeypatch.setenv(f"DESTINATION__LAKE__CREDENTIALS__{name}".upper(), "s3cr3t")
    assert "s3cr3t" in set(destination_secrets())


@pytest.mark.parametrize("name", ["page_token_count", "keys", "author", "passenger", "status"])
def test_a_name_that_only_resembles_one_of_a_secret_stays_readable(name, tmp_path):
    assert redact(f"GET http://127.0.0.1/?{name}=1234") == f"GET http://127.0.0.1/?{name}=1234"
    assert things(tmp_path, params={name: "1234"}).endpoint["params"] == {name: "1234"}
