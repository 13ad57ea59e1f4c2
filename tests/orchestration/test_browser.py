"""Click through the Dagster UI; with SCREENSHOTS=docs this also writes the pictures of the README."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from connectors_dagster.spec.windows import WindowGrid
from tests.support.installed import required
from tests.support.ui import PAGE, PATIENCE, Served, Ui, chromium, find_browser, served_ui

pytestmark = pytest.mark.journey

WINDOWS = len(WindowGrid("P30D", "2024-01-01").opened(datetime.now(UTC)))
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
    ui.sees("api", "customers", "coupons", "orders", f"{WINDOWS} partitions")


def test_a_run_of_the_command_line_is_on_the_first_page_and_is_executed_again(ui, served):
    served.connectors("run", "storefront/coupons", "--from", "2024-01-01", "--to", "2024-01-31")
    ui.open("/")
    ui.sees("connectors_dagster", "storefront")
    ui.open("/runs")
    ui.sees("loaded by: command line", "connector: storefront", "Success")
    ui.view_run("loaded by: command line")
    ui.page.get_by_text("Re-execute all").first.click()
    ui.sees("Re-executions (1)")
    ui.sees("Success")
    ui.open("/assets/storefront/coupons?view=partitions")
    ui.sees("Materialized (1)", f"Missing ({WINDOWS - 1})")


def test_a_window_is_materialized_turns_green_and_shows_its_metadata(ui):
    ui.asset("storefront/orders", "Partitions")
    ui.choose_windows("2024-01-01", count=1)
    ui.click("Launch 1 run")
    ui.sees("Materialized (1)", f"Missing ({WINDOWS - 1})")
    ui.asset("storefront/orders", "Events")
    ui.sees("preview", "rows", "complete", "fetched_until", "source_rows")
    ui.asset("storefront/orders", "Overview")
    ui.sees("Orders of the shop, one row per order in its present state.")


def test_a_backfill_of_twelve_windows_is_one_run_and_turns_them_green(ui):
    ui.asset("storefront/orders", "Partitions")
    ui.choose_windows("2025-", count=12)
    ui.click("Launch backfill")
    ui.sees("Materialized (13)", f"Missing ({WINDOWS - 13})")
    ui.asset("storefront/orders", "Overview")
    ui.sees("Passing", "Row count", "primary_key")
    ui.photograph("asset")
    ui.asset("storefront/orders", "Partitions")
    ui.click("2025-01-25")
    ui.sees("fetched_until")
    ui.photograph("windows")


def test_a_backfill_is_canceled_and_resumed(ui):
    ui.asset("paddle/transactions", "Partitions")
    ui.page.get_by_role("button", name="Materialize").first.click()
    ui.page.get_by_role("dialog").get_by_text("Missing", exact=True).click()
    ui.click("Launch backfill")
    ui.sees("Materialized (12)", "Materializing (4)")
    ui.open("/runs?view=backfills")
    ui.view_run("paddle / transactions")
    ui.act("Cancel backfill")
    ui.page.get_by_role("dialog").get_by_role("button", name="Cancel backfill").click()
    ui.sees("Canceled")
    ui.photograph("canceled")
    ui.asset("paddle/transactions", "Partitions")
    ui.sees("Materialized (12)", "Missing (4)")
    ui.open("/runs?view=backfills")
    ui.view_run("paddle / transactions")
    ui.act("Re-execute from failure")
    ui.asset("paddle/transactions", "Partitions")
    ui.sees("Materialized (16)")
    ui.photograph("resumed")


def test_a_window_that_does_not_exist_is_refused_by_name_and_removed(ui):
    ui.asset("storefront/coupons", "Partitions")
    ui.page.get_by_role("button", name="Materialize").first.click()
    ui.page.get_by_text("Select a partition or create one").click()
    ui.click("Add partition")
    ui.page.get_by_role("dialog").last.get_by_role("textbox").fill("2025-13-99")
    ui.page.get_by_role("button", name="Save").click()
    ui.click("Launch 1 run")
    expect(ui.page.get_by_text("Launched run").first).to_be_visible(timeout=PATIENCE)
    ui.open("/runs")
    ui.view_run("partition: 2025-13-99")
    ui.sees("Failure")
    # Named by this project, or by Dagster if the sensor was quicker than the run.
    expect(ui.page.get_by_text("'2025-13-99'").first).to_be_visible(timeout=PATIENCE)
    ui.photograph("mistyped")
    ui.asset("storefront/coupons", "Partitions")
    ui.sees(f"{WINDOWS} partitions selected")


def test_the_metadata_of_all_windows_is_plotted(ui):
    ui.asset("storefront/orders", "Overview")
    ui.click("Plots")
    ui.sees("dagster/partition_row_count", "rows")
    expect(ui.page.locator("canvas").first).to_be_visible(timeout=PATIENCE)
    ui.photograph("plots")


def test_the_launchpad_reads_one_page(ui):
    ui.asset("storefront/customers", "Overview")
    ui.launch("ops: {storefront__customers: {config: {page_limit: 1}}}")
    ui.sees("Success")
    ui.asset("storefront/customers", "Events")
    ui.sees("page_limit", "SELECT * FROM storefront.customers LIMIT 100;")
    rows = ui.page.get_by_role("row").filter(has=ui.page.get_by_text("rows", exact=True))
    expect(rows.first).to_contain_text("100", timeout=PATIENCE)
    ui.photograph("page_limit")


def test_a_failed_step_shows_the_cause_first(ui, served):
    served.connectors("run", "storefront/customers", fails=True, SOURCES__STOREFRONT__API_KEY="revoked")
    ui.open("/runs")
    ui.sees("Failure")
    ui.view_run("Failure")
    expect(ui.page.get_by_text("answered 401").first).to_be_visible(timeout=PATIENCE)


def test_the_schedule_of_a_connector_says_what_it_would_load_stays_on_and_is_turned_off(ui):
    ui.open("/automation")
    ui.click("refresh_storefront")
    ui.click("Preview tick result")
    ui.click("Continue")
    expect(ui.page.get_by_text("Requested runs (")).to_be_visible(timeout=PATIENCE)
    ui.photograph("preview")
    ui.click("Close")
    switch = ui.page.get_by_role("checkbox")
    label = ui.page.locator("label").filter(has=switch)
    label.click()
    ui.sees("Next tick")
    ui.page.reload()
    ui.sees("Next tick")
    expect(switch).to_be_checked(timeout=PATIENCE)
    label.click()
    expect(switch).not_to_be_checked(timeout=PATIENCE)


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


def test_a_copied_column_names_the_column_it_comes_from(ui):
    ui.asset("billing/customer_addresses", "Overview")
    ui.page.get_by_placeholder("Filter columns").fill("_customers_id")
    ui.sees("parent_key", "id of the parent row in customers")
    ui.photograph("column")


def test_an_asset_is_found_by_a_part_of_its_name_and_says_what_a_row_is(ui):
    ui.open("/assets")
    ui.sees("billing / customer_addresses")
    ui.photograph("catalog")
    ui.page.get_by_text("Search", exact=True).click()
    ui.page.keyboard.type("address")
    found = ui.page.get_by_role("link").filter(has_text="customer_addresses")
    expect(found).to_have_count(2, timeout=PATIENCE)  # in the list, which is behind the results, and in these
    ui.photograph("search")
    found.last.click()
    ui.sees("Addresses of customers, one row per address.")


def test_conditions_load_all_windows_of_a_connector_once(ui):
    ui.asset("fulfillment/orders", "Partitions")
    ui.sees("Materialized (3)", "Missing (0)")
    ui.open("/automation")
    ui.click("automation_fulfillment")
    ui.sees("Running")
    expect(ui.page.get_by_text("0 materializations requested").first).to_be_visible(timeout=PATIENCE)
    ui.photograph("automation")
    ui.open("/runs?q%5B0%5D=tag%3Adagster%2Fsensor_name%3Dautomation_fulfillment")
    ui.sees("3 partitions", "2 assets", "fulfillment / orders")
    expect(ui.page.get_by_role("link", name="View", exact=True)).to_have_count(2)
    ui.photograph("automation_runs")
    ui.asset("fulfillment/orders", "Automation")
    ui.sees("3 requested")
