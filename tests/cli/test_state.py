"""The commands about what is loaded: status, show, reset, and the options of run."""

import json
from datetime import datetime

import pytest

from tests.support.rows import order


@pytest.fixture
def shop(api, monkeypatch):
    """A shop whose two last windows have orders, with a note on each."""
    monkeypatch.setenv("CONNECTORS__ENABLED", "storefront")
    monkeypatch.setenv("SOURCES__STOREFRONT__START_DATE", "2026-01-01")
    monkeypatch.setenv("SOURCES__STOREFRONT__STEP", "P1Y")
    orders = [order(1001, "2026-01-05T00:00:00"), order(1002, "2026-02-05T00:00:00")]
    address = {"first_name": "Ada", "city": "Leiden", "phone": ""}
    orders[1] |= {"billing": address, "shipping": address, "status": "completed", "customer_note": "thanks " * 9}
    orders[1]["line_items"] = [{"id": 1, "sku": "tea"}, {"id": 2, "sku": "cup"}]
    api.set("storefront/orders", orders)
    return api


def loaded(connectors, *options: str):
    done = connectors("run", "storefront/orders", *options)
    assert done.exit_code == 0, done.output
    return done


def test_status_says_how_far_a_resource_is_loaded_and_makes_no_request(connectors, shop):
    [before] = json.loads(connectors("status", "storefront/orders", "--json").stdout)
    assert (before["rows"], before["last_load"], before["open_window"]) == (None, None, "2026-01-01")
    loaded(connectors)
    shop.requests.clear()
    [after] = json.loads(connectors("status", "storefront/orders", "--json").stdout)
    assert after["rows"] == 2
    assert 0 <= after["behind_seconds"] < 3600
    assert datetime.fromisoformat(after["read_until"]) <= datetime.fromisoformat(after["last_load"])
    assert after["missing"] == "" and after["last_failure"] is None
    assert shop.requests == []


def test_status_names_a_broken_connector_and_ends_with_1(connectors, shop, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__SCHEDULE", "often")
    said, as_json = connectors("status"), connectors("status", "--json")
    assert (said.exit_code, as_json.exit_code) == (1, 1)
    assert "broken" in said.output and "SOURCES__STOREFRONT__SCHEDULE" in said.output
    assert json.loads(as_json.stdout) == [] and "SOURCES__STOREFRONT__SCHEDULE" in as_json.stderr


def test_status_shows_missing_windows_and_the_last_failure_until_a_load_succeeds(connectors, shop, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__START_DATE", "2025-01-01")
    shop.answer("/orders", 403, times=2)
    assert connectors("run", "storefront/orders").exit_code == 1
    said = connectors("status", "storefront/orders").output
    assert "never" in said and "1: 2025-01-01" in said
    assert "failed  storefront/orders" in said and "403" in said
    loaded(connectors)
    assert "failed" not in connectors("status", "storefront/orders").output


def test_show_prints_the_newest_rows_readably(connectors, shop):
    assert "storefront/orders is not loaded yet" in connectors("show", "storefront/orders").output
    loaded(connectors)
    done = connectors("show", "storefront/orders", "--limit", "1")
    head, line, rest = done.output.splitlines()
    assert head.split()[:4] == ["id", "date_modified_gmt", "customer_note", "status"], "nested fields come last"
    assert line.split()[0] == "1002"
    assert max(map(len, (head, line))) <= 100
    assert "more columns: " in rest
    [row] = json.loads(connectors("show", "storefront/orders", "--limit", "1", "--json").stdout)
    assert row["line_items"] == [{"id": 1, "sku": "tea"}, {"id": 2, "sku": "cup"}]
    assert row["id"] == 1002


def test_a_connector_is_no_table_to_show(connectors, shop):
    assert "storefront is a connector: name one of its resources, such as " in connectors("show", "storefront").output


def test_a_dry_run_prints_resources_and_windows_and_requests_nothing(connectors, shop, warehouse):
    done = connectors("run", "storefront/orders", "storefront/customers", "--dry-run")
    lines = [line.split() for line in done.output.splitlines()]
    assert ["storefront/orders", "1", "2026-01-01", "2026-01-01"] in lines
    assert ["storefront/customers"] in lines
    assert json.loads(connectors("run", "storefront/orders", "--dry-run", "--json").stdout) == {
        "storefront/orders": ["2026-01-01"]
    }
    assert shop.requests == []
    assert not warehouse.path.exists()


def test_a_dry_run_says_what_a_run_cannot_load_and_ends_with_1(connectors, shop, monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "storefront,catalog,billing")
    monkeypatch.setenv("SOURCES__BILLING__MAX_LOSS", "all")
    monkeypatch.delenv("SOURCES__CATALOG__API_KEY")
    for options in ((), ("--json",)):
        done = connectors("run", "--dry-run", *options)
        assert done.exit_code == 1 and "storefront/orders" in done.stdout
        assert "SOURCES__BILLING__MAX_LOSS is 'all'" in done.output
        assert "catalog: not configured; set:" in done.output
    assert json.loads(done.stdout) and shop.requests == []


def test_missing_loads_only_what_is_missing_and_resumes(connectors, shop, monkeypatch):
    monkeypatch.setenv("SOURCES__STOREFRONT__START_DATE", "2025-01-01")
    loaded(connectors)
    shop.requests.clear()
    loaded(connectors, "--missing")
    [asked] = shop.asked("/orders")
    assert asked["modified_after"] > "2026-06"


def test_missing_and_full_reads_the_missing_windows_from_their_start(connectors, shop):
    loaded(connectors)
    shop.requests.clear()
    loaded(connectors, "--missing", "--full")
    [asked] = shop.asked("/orders")
    assert asked["modified_after"] < "2026-01-02"


def test_a_page_limit_is_a_trial_that_completes_no_window(connectors, shop):
    loaded(connectors, "--page-limit", "1")
    [status] = json.loads(connectors("status", "storefront/orders", "--json").stdout)
    assert status["rows"] == 2
    assert json.loads(connectors("run", "storefront/orders", "--missing", "--dry-run", "--json").stdout) != {}


def test_full_without_missing_is_refused(connectors):
    done = connectors("run", "--full")
    assert done.exit_code == 2
    assert "--missing" in done.output


def test_checks_run_after_the_load_and_json_has_all_results(connectors, shop):
    done = connectors("run", "storefront/orders", "--checks", "--json")
    said = json.loads(done.stdout)
    assert said["assets"]["storefront/orders"]["rows"] == 2
    assert {found["check"]: found["passed"] for found in said["checks"]}["key"] is True
    assert done.exit_code == bool(said["errors"])


def test_a_failed_check_says_what_it_has_found_and_then_what_it_expects(connectors, shop):
    shop.set("storefront/orders", [order(1001, "2026-01-05T00:00:00", gift_note="For you")])
    said = connectors("run", "storefront/orders", "--checks").output
    assert "the check 'columns' failed: added: gift_note (text). Expected: The table has exactly" in said


@pytest.mark.journey
def test_a_reset_forgets_what_was_loaded_so_that_it_is_loaded_again(connectors, shop, warehouse):
    loaded(connectors)
    refused = connectors("reset", "storefront/orders", input="n\n")
    assert refused.exit_code == 1
    assert connectors("run", "storefront/orders", "--missing", "--dry-run").exit_code == 0
    done = connectors("reset", "storefront/orders", "--drop-rows", "--yes")
    assert done.exit_code == 0, done.output
    assert "storefront/orders: forgot 1 window" in done.output
    assert "storefront.orders: deleted 2 rows" in done.output
    assert warehouse.ids("storefront.orders") == []
    [status] = json.loads(connectors("status", "storefront/orders", "--json").stdout)
    assert status["read_until"] is None
    loaded(connectors, "--missing")
    assert warehouse.ids("storefront.orders") == [1001, 1002]


def test_a_reset_without_drop_rows_keeps_them(connectors, shop, warehouse):
    loaded(connectors)
    assert connectors("reset", "storefront/orders", input="y\n").exit_code == 0
    assert warehouse.ids("storefront.orders") == [1001, 1002]


@pytest.mark.journey
def test_a_single_row_page_or_window_has_no_plural(connectors, shop):
    shop.set("storefront/orders", [order(1001, "2026-01-05T00:00:00")])
    assert "1 row on 1 page, 0 retries" in loaded(connectors).output
    assert "1 window of P1Y since 2026-01-01" in connectors("check", "storefront/orders").output
    done = connectors("reset", "storefront/orders", "--drop-rows", "--yes").output.splitlines()
    assert "storefront/orders: forgot 1 window" in done and "storefront.orders: deleted 1 row" in done


def test_a_start_in_the_future_is_said_by_all_that_find_no_window(connectors, shop, monkeypatch, instance):
    monkeypatch.setenv("SOURCES__STOREFRONT__START_DATE", "2999-01-01")
    said = (
        "storefront: no window has started, because the start date 2999-01-01 is in the future: "
        "change SOURCES__STOREFRONT__START_DATE"
    )
    for command in (["run", "--missing"], ["run"], ["run", "--missing", "--dry-run"], ["status"]):
        done = connectors(command[0], "storefront/orders", *command[1:])
        assert (done.exit_code, done.output.count("no window")) == (0, 1), command
        assert said in done.output and "everything is loaded" not in done.output, command
    assert json.loads(connectors("run", "storefront/orders", "--missing", "--json").stdout)["remarks"] == [said]
    assert "no window" not in connectors("run", "storefront/customers").output
    assert shop.requests and all(path.endswith("/customers") for path, _ in shop.requests)
