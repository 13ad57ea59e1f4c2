"""Names of connectors and resources: what is enabled, configured, misspelled or unknown."""

import pytest
from click.shell_completion import BashComplete

from connectors_dagster.cli import main
from connectors_dagster.orchestration.location import load_location

NAMES = ["run", "list", "check", "status", "show", "reset", "init"]
"""The commands that take names."""


@pytest.fixture
def woocommerce(api):
    """A configured connector that is not enabled."""
    api.set("woocommerce/orders", [])
    return api


def test_a_connector_that_is_configured_can_be_run_although_it_is_not_enabled(connectors, woocommerce, warehouse):
    woocommerce.set("woocommerce/product_tags", [{"id": 7, "name": "new"}])
    done = connectors("run", "woocommerce/product_tags")
    assert done.exit_code == 0, done.output
    assert warehouse.ids("woocommerce.product_tags") == [7]


def test_a_connector_that_is_not_configured_names_its_settings_before_a_run_exists(connectors, instance):
    done = connectors("run", "woocommerce")
    assert done.exit_code == 1
    assert "SOURCES__WOOCOMMERCE__CONSUMER_KEY" in done.output
    assert "asset" not in done.output.split(), "there is an empty table above the error"
    assert "`connectors run woocommerce --missing` loads what is missing" in done.output
    assert instance.get_runs() == []


def test_connectors_that_are_configured_are_loaded_although_others_are_not(connectors, api, monkeypatch, warehouse):
    monkeypatch.setenv("CONNECTORS__ENABLED", "catalog,billing")
    monkeypatch.delenv("SOURCES__BILLING__API_KEY")
    api.set("catalog/ecommerce_data", [{"id": 1}])
    done = connectors("run")
    assert done.exit_code == 1
    assert "SOURCES__BILLING__API_KEY" in done.output
    assert warehouse.ids("catalog.ecommerce_data") == [1]


def test_list_shows_the_resources_that_are_named_and_whether_they_are_configured(connectors, woocommerce):
    lines = connectors("list", "woocommerce/orders", "storefront").output.splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == ["storefront"] * 4 + ["woocommerce"]
    assert lines[-2].split()[-4:] == ["woocommerce.orders", "not", "enabled,", "configured"]


@pytest.mark.parametrize("command", NAMES)
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("storefrnt", "did you mean storefront?"),
        ("storefront/ordrs", "did you mean storefront/orders?"),
        ("woocommerce/product_tag", "did you mean woocommerce/product_tags?"),
        ("coupon", "chargebee/coupon"),
    ],
)
def test_a_misspelled_name_is_answered_with_the_name_that_is_meant(connectors, command, name, meant):
    done = connectors(command, name)
    assert done.exit_code == 1
    assert f"{name}: no such connector or resource" in done.output
    assert meant in done.output


@pytest.mark.parametrize("command", NAMES)
def test_a_name_that_resembles_nothing_does_not_list_all_names(connectors, command):
    done = connectors(command, "xyz")
    assert "`connectors list --all` shows all names" in done.output
    assert max(map(len, done.output.splitlines())) < 120


def test_a_resource_that_the_settings_leave_out_is_not_called_unknown(connectors, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__RESOURCES", "customers")
    done = connectors("run", "storefront/orders")
    assert "storefront/orders is not loaded: SOURCES__STOREFRONT__RESOURCES" in done.output


def test_list_shows_what_is_enabled_and_with_all_also_the_rest(connectors, woocommerce):
    assert "woocommerce" not in connectors("list").output
    lines = connectors("list", "--all").output.splitlines()
    [tags] = [line for line in lines if "woocommerce.product_tags" in line]
    [customers] = [line for line in lines if "storefront.customers" in line]
    assert tags.endswith("not enabled, configured")
    assert customers.endswith("  enabled, configured")
    assert len(lines) == 1 + sum(len(assets.resources) for assets in load_location().known) + 1


def test_an_error_names_the_resource_and_not_the_step_of_dagster(connectors, api):
    api.answer("/customers", 403)
    done = connectors("run", "storefront/customers")
    assert done.exit_code == 1
    assert "storefront/customers: " in done.output
    assert "storefront__customers" not in done.output


def test_help_of_every_command_fits_80_columns_and_nothing_is_cut(connectors):
    pages = [connectors("--help", env={"COLUMNS": "80"}).output]
    pages += [connectors(name, "--help", env={"COLUMNS": "80"}).output for name in main.commands]
    lines = [line for page in pages for line in page.splitlines()]
    assert [line for line in lines if line.rstrip().endswith(("...", "…")) and not line.startswith("Usage:")] == []
    assert max(map(len, lines)) <= 80
    assert "  connectors check woocommerce --json" in map(str.rstrip, (line[2:] for line in lines))
    assert not [line for line in lines if "\\b" in line]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("storef", ["storefront"]), ("storefront/cou", ["storefront/coupons"]), ("xyz", []), ("xyz/", [])],
)
@pytest.mark.parametrize("command", NAMES)
def test_the_shell_completes_names(command, typed, offered):
    found = BashComplete(main, {}, "connectors", "_CONNECTORS_COMPLETE").get_completions([command], typed)
    assert [item.value for item in found] == offered


@pytest.mark.parametrize("name", ["storefront", "storefront/orders"])
def test_a_connector_that_a_setting_breaks_is_not_called_unknown(connectors, monkeypatch, name):
    monkeypatch.setenv("SOURCES__STOREFRONT__STEP", "monthly")
    done = connectors("run", name)
    assert done.exit_code == 1
    assert done.output.startswith("Error: settings: storefront: step 'monthly' is not an ISO 8601 duration")
    assert "did you mean" not in done.output and "no such connector" not in done.output
    assert len(done.output.splitlines()) == 1


def test_a_misspelled_name_is_answered_although_another_connector_is_broken(connectors, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__STEP", "monthly")
    first, second = connectors("run", "catalg").output.splitlines()
    assert "catalg: no such connector or resource; did you mean catalog" in first
    assert "SOURCES__STOREFRONT__STEP" in second


@pytest.mark.parametrize("command", ["status", "list"])
def test_a_destination_that_does_not_exist_is_named(connectors, monkeypatch, command):
    monkeypatch.setenv("CONNECTORS__DESTINATION", "duckdbb")
    done = connectors("status")
    assert done.exit_code == 1
    assert (
        "CONNECTORS__DESTINATION is 'duckdbb', which is not a destination of dlt; did you mean 'duckdb'?" in done.output
    )
