"""Rows land in exactly one window, whatever the API's clock looks like."""

from datetime import UTC, datetime

import pytest

from tests.rows import order, product


def test_a_window_holds_its_first_instant_and_not_the_next_windows(api, warehouse, load):
    api.set("storefront/orders", [order(1, "2024-01-01T00:00:00"), order(2, "2024-01-31T00:00:00")])
    load("storefront/orders", windows=["2024-01-01"])
    assert warehouse.ids("storefront.orders") == [1]


def test_neighbouring_windows_share_no_row_and_lose_none(api, warehouse, load):
    edge = ["2024-01-30T23:59:59", "2024-01-31T00:00:00", "2024-01-31T00:00:01"]
    api.set("storefront/orders", [order(i, at) for i, at in enumerate(edge)])
    counts = load("storefront/orders")["storefront/orders"]
    assert [tally.rows for tally in counts.values()] == [1, 2, 0, 0]
    assert warehouse.ids("storefront.orders") == [0, 1, 2]
