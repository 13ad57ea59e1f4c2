"""The UI reads from a sandbox only as long as nothing is configured, and then from the same one."""

import json
import os
import socket
from io import StringIO
from unittest.mock import patch

import click
import pytest
from rich.console import Console

from connectors_dagster.cli import terminal
from connectors_dagster.cli.dev import choose_sandbox, serve_ui
from connectors_dagster.cli.sandbox_process import remembered


@pytest.fixture
def clean(project, monkeypatch):
    """No settings, in an environment that is restored afterwards."""
    monkeypatch.delenv("DAGSTER_HOME")
    monkeypatch.delenv("DESTINATION__DUCKDB__CREDENTIALS")
    with patch.dict(os.environ):
        yield project


def test_without_settings_all_connectors_read_from_one_sandbox_on_the_instance_of_the_demo(clean):
    sandbox = choose_sandbox()
    assert sandbox
    assert os.environ["SOURCES__BILLING__BASE_URL"] == f"http://127.0.0.1:{sandbox.port}/billing"
    assert os.environ["DESTINATION__DUCKDB__CREDENTIALS"] == str(clean / "demo.duckdb")
    assert os.environ["DAGSTER_HOME"] == str(clean / ".dagster" / "demo")
    assert "default_limit: 1" in (clean / ".dagster" / "demo" / "dagster.yaml").read_text()


def test_with_a_shop_nothing_reads_from_a_sandbox_and_what_lacks_settings_is_named(clean, monkeypatch):
    monkeypatch.setenv("SOURCES__CATALOG__BASE_URL", "https://shop.example")
    monkeypatch.setenv("SOURCES__CATALOG__API_KEY", "key")
    shown = StringIO()
    monkeypatch.setattr(terminal, "out", Console(file=shown, soft_wrap=True))
    assert choose_sandbox() is None
    assert "not configured: billing, fulfillment, storefront, subscriptions" in shown.getvalue()
    assert "DAGSTER_HOME" not in os.environ and "SOURCES__BILLING__BASE_URL" not in os.environ


def test_a_port_that_is_taken_is_named_before_anything_starts(clean):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(click.ClickException, match=f"port {port} is taken.*--port"):
            serve_ui(port=port)
    assert not list(clean.iterdir())


def test_a_sandbox_keeps_its_port_and_amount_of_data(tmp_path):
    first = remembered(tmp_path, scale=0.2)
    assert remembered(tmp_path) == first
    assert remembered(tmp_path, scale=3).scale == 3
    assert remembered(tmp_path) == remembered(tmp_path)


def test_a_sandbox_whose_port_is_taken_gets_another_one(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "sandbox.json").write_text(json.dumps({"port": port}))
        assert remembered(tmp_path).port != port


def test_a_damaged_note_of_the_last_sandbox_is_replaced(tmp_path):
    (tmp_path / "sandbox.json").write_text("{")
    assert remembered(tmp_path).scale == 1
