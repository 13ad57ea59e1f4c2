"""Settings come from dlt's configuration, and all missing settings are listed together."""

import re
from dataclasses import replace

import pytest

from connectors_dagster import build_definitions, load_connectors
from connectors_dagster.config import placeholders, settings
from connectors_dagster.config.selected_resources import selected_resources
from connectors_dagster.errors import SettingError
from connectors_dagster.orchestration.location import enabled_connectors, load_location

STOREFRONT = load_connectors()["storefront"]


def test_all_missing_settings_are_listed_together_in_both_spellings():
    with pytest.raises(placeholders.MissingSettingsError) as caught:
        placeholders.read_settings(STOREFRONT)
    for name in ("base_url", "api_key", "api_secret"):
        assert f"SOURCES__STOREFRONT__{name.upper()}" in str(caught.value)
    assert ".dlt/config.toml: [sources.storefront] base_url" in str(caught.value)
    assert ".dlt/secrets.toml: [sources.storefront] api_secret" in str(caught.value)


def test_only_missing_settings_are_listed(monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SOURCES__STOREFRONT__API_KEY", "k")
    with pytest.raises(placeholders.MissingSettingsError, match="API_SECRET") as caught:
        placeholders.read_settings(STOREFRONT)
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


def test_an_unknown_connector_is_named_with_the_one_that_is_meant_and_the_others_are_loaded(monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "storefrnt,billing")
    location = load_location()
    assert [assets.connector.name for assets in location.enabled] == ["billing"]
    (broken,) = location.broken
    assert "CONNECTORS__ENABLED lists ['storefrnt'], which do not exist; did you mean 'storefront'?" in str(broken)


def test_start_date_and_step_are_per_connector(monkeypatch):
    assert settings.start_date(STOREFRONT) == "2024-01-01"
    monkeypatch.setenv("SOURCES__STOREFRONT__START_DATE", "2025-06-01")
    monkeypatch.setenv("SOURCES__STOREFRONT__STEP", "P1M")
    assert (settings.start_date(STOREFRONT), settings.step(STOREFRONT)) == ("2025-06-01", "P1M")
    assert settings.start_date(load_connectors()["billing"]) == "2024-01-01"


def test_a_declared_start_date_wins_over_that_of_the_project_and_a_setting_of_the_connector_over_both(monkeypatch):
    declared = replace(STOREFRONT, start_date="2022-02-02")
    monkeypatch.setenv("START_DATE", "2021-01-01")
    assert (settings.start_date(declared), settings.start_date(STOREFRONT)) == ("2022-02-02", "2021-01-01")
    monkeypatch.setenv("SOURCES__STOREFRONT__START_DATE", "2025-06-01")
    assert settings.start_date(declared) == "2025-06-01"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_PARALLEL_REQUESTS", "abc"),
        ("MAX_PARALLEL_REQUESTS", "0"),
        ("MAX_PARALLEL_REQUESTS", "1" + "0" * 20),
        ("REQUESTS_PER_MINUTE", "-1"),
        ("STALE_AFTER_HOURS", "a day"),
        ("STALE_AFTER_HOURS", "0.01"),
        ("LOOKBACK", "soon"),
        ("LOOKBACK", "-PT5M"),
        ("MAX_LOSS", "50"),
        ("MAX_LOSS", "nan"),
        ("ALLOW_HTTP", "perhaps"),
        ("SCHEDULE", "every hour"),
        ("OWNERS", "nobody"),
        ("MAX_RESPONSE_BYTES", "1 GB"),
        ("MAX_REQUEST_SECONDS", "0"),
        ("MAX_DECOMPRESSION_RATIO", "0"),
        ("MAX_PAGES", "-1"),
        ("MAX_UNDECLARED_COLUMNS", "many"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name_before_any_request(name, value, monkeypatch):
    monkeypatch.setenv(f"SOURCES__STOREFRONT__{name}", value)
    with pytest.raises(SettingError, match=f"SOURCES__STOREFRONT__{name}.*{re.escape(value)}"):
        build_definitions(STOREFRONT)


@pytest.mark.parametrize(("name", "value"), [("START_DATE", "01.02.2024"), ("STEP", "30 days"), ("STEP", "P99999999Y")])
def test_windows_that_cannot_be_cut_are_refused_with_the_names_of_the_settings(name, value, monkeypatch):
    monkeypatch.setenv(f"SOURCES__STOREFRONT__{name}", value)
    with pytest.raises(SettingError, match=f"{re.escape(value)}.*SOURCES__STOREFRONT__{name}"):
        build_definitions(STOREFRONT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PREVIEW_ROWS", "few"),
        ("PREVIEW_ROWS", "-1"),
        ("BUSY_TIMEOUT", "soon"),
        ("SIBLINGS_TIMEOUT", "-1"),
        ("EXAMPLES", "some"),
        ("AIRBYTE_MEMORY", "much"),
        ("AIRBYTE_PYTHON", "no/such/python"),
    ],
)
def test_a_shared_setting_that_cannot_be_used_is_refused_by_name(name, value, monkeypatch):
    monkeypatch.setenv(f"CONNECTORS__{name}", value)
    with pytest.raises(SettingError, match=f"CONNECTORS__{name} is '{value}'"):
        settings.check_shared_settings()


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("FAILURE_WEBHOOK", "chat.example/hooks/t0p-s3cret", "a URL such as https://"),
        ("FAILURE_WEBHOOK", "ftp://chat.example/hooks/t0p-s3cret", "a URL such as https://"),
        ("FAILURE_WEBHOOK", "https:///hooks/t0p-s3cret", "a URL such as https://"),
        ("EXECUTOR_CONFIG", '{"broker": "redis://:t0p-s3cret@redis"', "a JSON object"),
        ("EXECUTOR_CONFIG", '["t0p-s3cret"]', "a JSON object"),
    ],
)
def test_a_shared_setting_that_may_have_a_secret_is_refused_without_its_value(name, value, wanted, monkeypatch):
    monkeypatch.setenv(f"CONNECTORS__{name}", value)
    with pytest.raises(SettingError, match=f"CONNECTORS__{name} cannot be used: it must be {wanted}") as caught:
        settings.check_shared_settings()
    assert "t0p-s3cret" not in str(caught.value)


def test_an_empty_choice_of_resources_is_refused_because_it_may_mean_none_or_all(monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__RESOURCES", "")
    with pytest.raises(ValueError, match="SOURCES__STOREFRONT__RESOURCES is empty; leave it out to load every"):
        build_definitions(STOREFRONT)


def test_names_with_a_minus_are_left_out_and_all_others_are_loaded(monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__RESOURCES", "-coupons, -orders")
    assert selected_resources(STOREFRONT) == ("customers",)  # without the table of the items of orders


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("-coupons,orders", "names resources to load and, with '-', resources to leave out"),
        ("-coupon", "names 'coupon', which is not a resource of storefront; did you mean 'coupons'"),
        ("-coupons,-orders,-customers", "leaves out every resource"),
    ],
)
def test_a_choice_that_leaves_nothing_or_is_unclear_is_refused(monkeypatch, value, problem):
    monkeypatch.setenv("SOURCES__STOREFRONT__RESOURCES", value)
    with pytest.raises(ValueError, match=f"SOURCES__STOREFRONT__RESOURCES {problem}"):
        selected_resources(STOREFRONT)


def test_a_requests_per_minute_of_zero_and_an_empty_setting_keep_the_default(monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__REQUESTS_PER_MINUTE", "0")
    monkeypatch.setenv("SOURCES__STOREFRONT__MAX_PARALLEL_REQUESTS", "")
    assert settings.requests_per_minute(STOREFRONT) == STOREFRONT.requests_per_minute
    assert settings.max_parallel_requests(STOREFRONT) == STOREFRONT.max_parallel_requests


def test_a_misspelt_setting_is_named_with_the_one_that_is_meant(monkeypatch, caplog):
    monkeypatch.setenv("SOURCES__STOREFRONT__MAX_PARALEL_REQUESTS", "2")
    monkeypatch.setenv("SOURCES__STOREFRONT__SOMETHING_ELSE", "2")
    monkeypatch.setenv("CONNECTORS__PREVIEWROWS", "2")
    settings.check_settings(STOREFRONT)
    settings.check_shared_settings()
    assert caplog.messages == [
        "SOURCES__STOREFRONT__MAX_PARALEL_REQUESTS is not a setting: did you mean "
        "SOURCES__STOREFRONT__MAX_PARALLEL_REQUESTS?",
        "CONNECTORS__PREVIEWROWS is not a setting: did you mean CONNECTORS__PREVIEW_ROWS?",
    ]


@pytest.mark.parametrize("around", ["{}\n", "  {}\t", "{}\r\n"])
def test_blanks_and_line_breaks_around_a_value_are_not_sent_and_said(around, monkeypatch, caplog):
    for name, value in (("BASE_URL", "http://127.0.0.1:1"), ("API_KEY", "key-1"), ("API_SECRET", "secret-1")):
        monkeypatch.setenv(f"SOURCES__STOREFRONT__{name}", around.format(value))
    assert placeholders.read_settings(STOREFRONT) == {
        "base_url": "http://127.0.0.1:1", "api_key": "key-1", "api_secret": "secret-1",
    }  # fmt: skip
    assert "SOURCES__STOREFRONT__API_KEY has blanks or line breaks around its value" in caplog.text
    assert "key-1" not in caplog.text
    assert placeholders.base_url(STOREFRONT) == "http://127.0.0.1:1"


def test_a_line_break_inside_a_value_is_refused_without_showing_it(monkeypatch):
    for name, value in (("BASE_URL", "http://127.0.0.1:1"), ("API_KEY", "abc\ndef"), ("API_SECRET", "s")):
        monkeypatch.setenv(f"SOURCES__STOREFRONT__{name}", value)
    with pytest.raises(SettingError, match=r"SOURCES__STOREFRONT__API_KEY.*line break") as caught:
        placeholders.read_settings(STOREFRONT)
    assert "abc" not in str(caught.value)


def test_a_misspelt_connector_is_named_with_the_one_that_is_meant(monkeypatch, caplog):
    monkeypatch.setenv("SOURCES__WOOCOMERCE__CONSUMER_KEY", "t0p-s3cret")
    monkeypatch.setenv("SOURCES__DATA_WRITER__FILE_MAX_ITEMS", "1000")
    monkeypatch.setenv("SOURCES__SOMEBODY_ELSES__KEY", "x")
    load_location()
    assert [record.getMessage() for record in caplog.records if record.name.startswith("connectors_dagster")] == [
        "SOURCES__WOOCOMERCE__… is for no connector: did you mean woocommerce?"
    ]
