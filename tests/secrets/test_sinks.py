"""What an API quotes of a secret reaches no file, event or terminal, in whatever escape; only the table gets it."""

import json
from typing import Any

import dagster as dg
import pytest
from starlette.responses import Response

from connectors_dagster.orchestration.masked import masked_errors
from connectors_dagster.secrets.redaction import remember
from tests.secrets.test_secrets import kept_by
from tests.support.escapes import ESCAPES
from tests.support.leaks import leaks

SECRET = "k3y/with+all%kinds&of=signs"
PLAIN = "sk_live_9a8b7c6d5e4f"


@pytest.fixture
def quoting(api, monkeypatch):
    """Let the API of the catalog quote a secret: ``quoting(SECRET, body)``."""

    def quote(secret: str, body: Any, status: int = 200) -> None:
        monkeypatch.setenv("SOURCES__CATALOG__API_KEY", secret)
        api.faults.clear()
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        api.answer(
            "/resource",
            response=lambda: Response(
                content if api.asked("/resource")[-1]["offset"] == "0" else b'{"data": []}', status
            ),
        )

    return quote


QUOTED = ["PHP's json_encode", "Go's encoding/json", ".NET's System.Text.Json", "PHP's htmlspecialchars", "quote all"]


@pytest.mark.parametrize("status", [200, 400])
def test_an_error_that_quotes_a_secret_in_an_escape_is_stored_masked(
    everything_logged, quoting, materialize, instance, project, waits, capfd, status
):
    quoting(SECRET, {"error": "wrong key: " + " ".join(ESCAPES[name](SECRET) for name in QUOTED)}, status)
    [error] = materialize("catalog/ecommerce_data").errors
    assert error.count("***") >= len(QUOTED)
    assert leaks(error, [SECRET]) == []
    assert leaks(kept_by(instance, project), [SECRET]) == []
    assert leaks("".join(capfd.readouterr()), [SECRET]) == []


@pytest.mark.parametrize("secret", [SECRET, PLAIN])
def test_rows_that_contain_a_secret_are_loaded_as_they_are_and_shown_masked(
    everything_logged, quoting, materialize, instance, project, warehouse, capfd, secret
):
    nested = {"deep": json.dumps({"key": f"{secret}/2", secret: [secret]}), secret: secret}
    row = {"id": secret, "name": f"<{secret}>", "attributes": nested, f"old {secret}": 1, "echo": {"of": secret}}
    quoting(secret, json.dumps({"data": [row]}).replace("/", "\\/").encode())
    assert materialize("catalog/ecommerce_data").errors == []
    [[key, name, attributes]] = warehouse.query("SELECT id, name, attributes FROM catalog.ecommerce_data")
    assert (key, name, json.loads(attributes)) == (secret, f"<{secret}>", nested)
    column = next(one for [one] in warehouse.query("SELECT column_name FROM duckdb_columns()") if one.startswith("old"))
    kept = kept_by(instance, project, besides="warehouse")
    assert "not declared" in kept
    assert leaks(kept, [secret, column]) == []
    assert leaks("".join(capfd.readouterr()), [secret, column]) == []


def test_a_key_in_an_error_is_masked_before_it_is_shortened(quoting, materialize, instance, project):
    quoting(PLAIN, {"data": [{"id": 1}]})
    assert materialize("catalog/ecommerce_data").errors == []
    for at in (65, 75):
        quoting(PLAIN, {"data": [{"id": "x" * at + PLAIN + "y"}]})
        [error] = materialize("catalog/ecommerce_data").errors
        assert "which is not a bigint" in error
        assert PLAIN[:4] not in error
    assert leaks(kept_by(instance, project, besides="warehouse"), [PLAIN]) == []


@dg.op
def failing_op() -> None:
    with masked_errors():
        try:
            raise KeyError(PLAIN)
        except KeyError as cause:
            raise TypeError("other") from cause


def test_an_error_that_nobody_expected_is_stored_masked_with_all_that_led_to_it(forgetful, instance, project, capfd):
    remember([PLAIN])
    dg.GraphDefinition(name="failing", node_defs=[failing_op]).execute_in_process(
        instance=instance, raise_on_error=False
    )
    kept = kept_by(instance, project)
    assert "KeyError: '***'" in kept and "TypeError: other" in kept
    assert leaks(kept + "".join(capfd.readouterr()), [PLAIN]) == []


def test_an_error_without_a_secret_stays_as_it_is():
    with pytest.raises(TypeError, match="no secret"), masked_errors():
        raise TypeError("no secret")
