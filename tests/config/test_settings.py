"""Settings come from dlt's configuration, and all missing settings are listed together."""

from dataclasses import replace

import pytest

from connectors_dagster import load_connectors
from connectors_dagster.config import settings
from connectors_dagster.definitions import enabled_connectors

STOREFRONT = load_connectors()["storefront"]


def test_all_missing_settings_are_listed_together_in_both_spellings():
    with pytest.raises(settings.MissingSettingsError) as caught:
        settings.read_settings(STOREFRONT)
    for name in ("base_url", "api_key", "api_secret"):
        assert f"SOURCES__STOREFRONT__{name.upper()}" in str(caught.value)
    assert ".dlt/config.toml: [sources.storefront] base_url" in str(caught.value)
    assert ".dlt/secrets.toml: [sources.storefront] api_secret" in str(caught.value)


def test_only_missing_settings_are_listed(monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SOURCES__STOREFRONT__API_KEY", "k")
    with pytest.raises(settings.MissingSettingsError, match="API_SECRET") as caught:
        settings.read_settings(STOREFRONT)
    assert "API_KEY" not in str(caught.value)


FIVE = ["billing", "catalog", "fulfillment", "storefront", "subscriptions"]


def test_the_five_demo_connectors_are_enabled_unless_the_configuration_lists_some(monkeypatch):
    assert [c.name for c in enabled_connectors()] == FIVE
    for value in ('["billing", "storefront"]', "billing,storefront", "billing storefront"):
        monkeypatch.setenv("CONNECTORS__ENABLED", value)
        assert [c.name for c in enabled_connectors()] == ["billing", "storefront"]


def test_a_connector_disabled_by_default_is_enabled_when_the_configuration_lists_it(monkeypatch):
    off, on = replace(STOREFRONT, name="elsewhere", enabled=False), STOREFRONT
    assert settings.enabled([off, on]) == ("storefront",)
    monkeypatch.setenv("CONNECTORS__ENABLED", "elsewhere")
    assert settings.enabled([off, on]) == ("elsewhere",)


def test_an_unknown_connector_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "shopfront")
    with pytest.raises(ValueError, match=r"shopfront.*do not exist; available: billing, catalog"):
        enabled_connectors()


def test_start_date_and_step_are_per_connector(monkeypatch):
    assert settings.start_date("storefront") == "2024-01-01"
    monkeypatch.setenv("SOURCES__STOREFRONT__START_DATE", "2025-06-01")
    monkeypatch.setenv("SOURCES__STOREFRONT__STEP", "P1M")
    assert (settings.start_date("storefront"), settings.step(STOREFRONT)) == ("2025-06-01", "P1M")
    assert settings.start_date("billing") == "2024-01-01"
