"""As long as nothing is configured, the commands show what the demo has loaded, or say how to begin."""

import json
import os
from pathlib import Path
from unittest.mock import patch

import pytest

from connectors_dagster.sandbox import environment
from tests.support.rows import order


@pytest.fixture
def unconfigured(connectors, monkeypatch):
    """Run the command line without settings; what it sets in its environment ends with it."""
    for name in environment(1):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("DAGSTER_HOME")
    monkeypatch.delenv("DESTINATION__DUCKDB__CREDENTIALS")

    def run(*arguments: str):
        with patch.dict(os.environ):
            return connectors(*arguments)

    return run


@pytest.fixture
def demo(api, connectors, project: Path, monkeypatch) -> Path:
    """Orders in the demo's instance and database."""
    api.set("storefront/orders", [order(1001, "2026-01-05T00:00:00")])
    with monkeypatch.context() as settings:
        settings.setenv("DAGSTER_HOME", str(project / ".dagster" / "demo"))
        settings.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(project / "demo.duckdb"))
        assert connectors("run", "storefront/orders", "--from", "2026-01-01", "--to", "2026-02-01").exit_code == 0
    return project


def test_status_and_show_and_reset_follow_the_demo_and_say_so(demo, unconfigured):
    said = f"No connector is configured: this is the demo, in {demo / 'demo.duckdb'}"
    status = unconfigured("status", "storefront/orders").output.splitlines()
    assert status[0] == said and status[-1].split()[:2] == ["storefront/orders", "1"]
    shown = unconfigured("show", "storefront/orders").output.splitlines()
    assert shown[0] == said and shown[2].split()[0] == "1001"
    [row] = json.loads(unconfigured("show", "storefront/orders", "--json").stdout)
    assert row["id"] == 1001
    reset = unconfigured("reset", "storefront/orders", "--yes").output.splitlines()
    assert reset[0] == said and reset[-1].startswith("`connectors demo` loads them again")


def test_with_a_single_configured_connector_the_demo_is_not_shown(demo, unconfigured, monkeypatch):
    monkeypatch.setenv("SOURCES__CATALOG__BASE_URL", "https://shop.example")
    monkeypatch.setenv("SOURCES__CATALOG__API_KEY", "key")
    assert "demo" not in unconfigured("status", "storefront/orders").output
    assert "storefront/orders is not loaded yet: `connectors init" in unconfigured("show", "storefront/orders").output


@pytest.mark.parametrize("command", ["run", "check", "status"])
def test_in_an_empty_folder_a_command_says_how_to_begin_and_lists_no_settings(unconfigured, command):
    printed = unconfigured(command).output
    assert "nothing is configured: `connectors init NAME`" in printed and "`connectors demo`" in printed
    assert "SOURCES__" not in printed


def test_a_named_connector_without_settings_still_names_them(unconfigured):
    assert "SOURCES__CATALOG__API_KEY" in unconfigured("run", "catalog").output


@pytest.mark.parametrize("command", ["dev", "demo"])
def test_a_folder_that_cannot_be_written_is_named(unconfigured, project, command):
    (project / ".dagster").touch()  # also root cannot make a folder there
    done = unconfigured(command)
    assert done.exit_code == 1
    assert ".dagster" in done.output and "run this in a folder you can write" in done.output
