"""A trial reads a few pages and marks nothing as read."""

from tests.support.recorded import told
from tests.support.rows import address, customer, order


def test_a_trial_reads_at_most_page_limit_pages_of_each_window(api, run_assets, warehouse):
    api.set("storefront/orders", [order(id, "2024-01-05T00:00:00") for id in range(250)])
    window = told(run_assets("storefront/orders", page_limit=1), "storefront/orders")
    assert len(api.asked("/orders")) == window["pages"] == window["page_limit"] == 1
    assert len(warehouse.ids("storefront.orders")) == 100


def test_a_trial_completes_no_window_and_records_no_time_as_read(api, run_assets):
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00")])
    complete = told(run_assets("storefront/orders"), "storefront/orders")
    trial = told(run_assets("storefront/orders", page_limit=10), "storefront/orders")
    assert (complete["complete"], trial["complete"]) == (True, False)
    assert trial["fetched_until"] == trial["window_start"]
    assert trial["rows"] == 1


def test_a_trial_treats_no_row_as_deleted(api, run_assets, warehouse):
    api.set("billing/customers", [customer("c1")])
    family = ["billing/customers", "billing/customer_addresses"]
    api.set("billing/customer_addresses", [address(f"a{n}", "c1") for n in range(3)])
    assert run_assets(*family).success
    api.set("billing/customer_addresses", [address("a9", "c1")])
    trial = told(run_assets(*family, page_limit=1), "billing/customer_addresses")
    assert "missing_rows" not in trial
    assert warehouse.ids("billing.customer_addresses") == ["a0", "a1", "a2", "a9"]
    assert run_assets(*family).success
    assert warehouse.ids("billing.customer_addresses") == ["a9"]


def test_a_trial_that_ends_early_is_not_compared_with_the_total_of_the_api(api, run_assets):
    api.set("storefront/customers", [{"id": id} for id in range(250)])
    assert "source_rows" not in told(run_assets("storefront/customers", page_limit=2), "storefront/customers")
    whole = told(run_assets("storefront/customers"), "storefront/customers")
    assert (whole["source_rows"], whole["keys_read"]) == (250, 250)
