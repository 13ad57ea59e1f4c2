"""Secrets are masked in text: known values in every encoding, and unknown ones by where they are."""

import base64
import logging

import pytest

from connectors_dagster.secrets.redaction import redact, remember
from tests.support.leaks import forms, leaks
from tests.support.shop import SECRETS


@pytest.mark.parametrize("secret", [*SECRETS.values(), "plain", "with\nnewline\n", "a.b*c[d]", "ünïcödé", "short"])
def test_a_known_secret_is_masked_in_every_encoding(forgetful, secret):
    remember([secret])
    for form in forms([secret]):
        assert leaks(redact(f"before {form} after"), [secret]) == []
    for other in ("", "x", "xy", "xyz", "ä"):
        for text in (f"{other}:{secret}", f"{secret}:{other}", f"{other}{secret}{other}"):
            encoded = base64.b64encode(text.encode()).decode()
            assert encoded not in redact(f"Authorization={encoded}")


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("GET /v1?limit=1&api_key=abc&offset=2", "GET /v1?limit=1&api_key=***&offset=2"),
        ("/v1?access_token=abc", "/v1?access_token=***"),
        ("/v1?KEY=abc", "/v1?KEY=***"),
        ("Authorization: Bearer abcdefgh", "Authorization: Bearer ***"),
        ("{'Authorization': 'Basic YWJjOmRlZg=='}", "{'Authorization': '***'}"),
        ('{"refresh_token": "abc", "id": 7}', '{"refresh_token": "***", "id": 7}'),
        ("https://me:pass@example.com/v1", "https://***@example.com/v1"),
        ("https://me:p@ss@example.com/v1", "https://***@example.com/v1"),
        ("GET /v1?monkey=banana", "GET /v1?monkey=banana"),
        ("mail me@example.com", "mail me@example.com"),
    ],
)
def test_values_in_places_where_secrets_usually_are_are_masked_even_if_unknown(text, safe):
    assert redact(text) == safe


def test_records_of_any_logger_are_masked_with_their_arguments_and_tracebacks(forgetful, caplog):
    remember(["s3cr3t-value"])
    logger = logging.getLogger("somebody.else")
    try:
        raise ValueError("refused s3cr3t-value")
    except ValueError:
        logger.exception("sent %s to %s", "s3cr3t-value", {"key": "s3cr3t-value"})
    assert "s3cr3t-value" not in caplog.text
    assert "ValueError: refused ***" in caplog.text


def test_the_stack_of_a_record_is_masked(forgetful, caplog):
    remember(["s3cr3t-value"])
    logging.getLogger("somebody.else").warning("look", stack_info=True), "s3cr3t-value"
    assert "s3cr3t-value" not in caplog.text
    assert "look" in caplog.text


def test_a_record_with_a_wrong_format_string_is_left_to_logging(forgetful, capsys, monkeypatch):
    remember(["s3cr3t-value"])
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logging.getLogger("somebody.else").warning("%d rows", "no number")


def test_an_earlier_record_factory_is_kept(forgetful, monkeypatch):
    class Marked(logging.LogRecord):
        marked = True

    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(Marked)
    try:
        remember(["s3cr3t-value"])
        record = logging.getLogger().makeRecord("x", logging.INFO, "x", 1, "%s", ("s3cr3t-value",), None)
    finally:
        logging.setLogRecordFactory(before)
    assert (record.marked, record.getMessage()) == (True, "***")
