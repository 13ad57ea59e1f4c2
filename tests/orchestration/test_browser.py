"""Click through the Dagster UI; with SCREENSHOTS=docs this also writes the pictures of the README."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.installed import required
from tests.support.ui import PAGE, PATIENCE, Served, Ui, chromium, find_browser, served_ui

pytestmark = pytest.mark.journey

GROUP = "/locations/__repository__@connectors_dagster/asset-groups/storefront/lineage"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser. Without one the tests are skipped, except in CI."""
    with chromium(required(find_browser(), what="Chromium", target="browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def served(browser: Browser) -> Iterator[Served]:
    with served_ui() as served:
        yield served


@pytest.fixture
def ui(served: Served, browser: Browser) -> Iterator[Ui]:
    pictures = os.environ.get("SCREENSHOTS")
    page = browser.new_page(viewport=PAGE)  # type: ignore[arg-type]
    yield Ui(served.address, page, Path(__file__).parents[2] / pictures if pictures else None)
    page.close()


def test_the_graph_of_a_group_shows_the_api_and_every_resource(ui):
    ui.open(GROUP)
    ui.sees("api", "customers", "coupons", "orders", "36 partitions")


def test_a_run_of_the_command_line_is_on_the_first_page_and_is_executed_again(ui, served):
    served.connectors("run", "storefront/coupons", "--from", "2024-01-01", "--to", "2024-01-31")
    ui.open("/")
    ui.sees("connectors_dagster", "storefront")
    ui.open("/runs")
    ui.sees("loaded by: command line", "connector: storefront", "Success")
    ui.page.get_by_role("link", name="View", exact=True).first.click()
    ui.page.get_by_text("Re-execute all").first.click()
    ui.sees("Re-executions (1)")
    ui.sees("Success")
    ui.open("/assets/storefront/coupons?view=partitions")
    ui.sees("Materialized (1)", "Missing (35)")


def test_a_window_is_materialized_turns_green_and_shows_its_metadata(ui):
    ui.asset("storefront/orders", "Partitions")
    ui.choose_windows("2024-01-01", count=1)
    ui.click("Launch 1 run")
    ui.sees("Materialized (1)", "Missing (35)")
    ui.asset("storefront/orders", "Events")
    ui.sees("preview", "rows", "complete", "fetched_until", "source_rows")
    ui.asset("storefront/orders", "Overview")
    ui.sees("Orders of the shop, one row per order in its present state.")


def test_a_backfill_of_twelve_windows_is_one_run_and_turns_them_green(ui):
    ui.asset("storefront/orders", "Partitions")
    ui.choose_windows("2025-", count=12)
    ui.click("Launch backfill")
    ui.sees("Materialized (13)", "Missing (23)")
    ui.asset("storefront/orders", "Overview")
    ui.sees("Passing", "Row count", "primary_key")
    ui.photograph("asset")
    ui.asset("storefront/orders", "Partitions")
    ui.click("2025-01-25")
    ui.sees("fetched_until")
    ui.photograph("windows")


def test_a_failed_step_shows_the_cause_first(ui, served):
    served.connectors("run", "storefront/customers", fails=True, SOURCES__STOREFRONT__API_KEY="revoked")
    ui.open("/runs")
    ui.sees("Failure")
    ui.page.get_by_role("link", name="View", exact=True).first.click()
    expect(ui.page.get_by_text("answered 401").first).to_be_visible(timeout=PATIENCE)


def test_the_schedule_of_a_connector_is_turned_on_and_stays_on(ui):
    ui.open("/automation")
    ui.click("refresh_storefront")
    switch = ui.page.get_by_role("checkbox")
    ui.page.locator("label").filter(has=switch).click()
    ui.sees("Next tick")
    ui.page.reload()
    ui.sees("Next tick")
    expect(switch).to_be_checked(timeout=PATIENCE)


def test_the_graph_leads_from_the_api_to_customers_to_customer_addresses(ui):
    ui.asset("billing/customers", "Lineage")
    ui.click("Materialize all (3)")
    for text in ("Materialized", "2 / 2 Passed"):
        expect(ui.page.get_by_text(text, exact=True)).to_have_count(3, timeout=PATIENCE)
    ui.photograph("lineage")
    ui.asset("billing/customer_addresses", "Lineage")
    ui.click("Upstream")
    ui.click("All")
    ui.sees("api", "customers", "customer_addresses")
