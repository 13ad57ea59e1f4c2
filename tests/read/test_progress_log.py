"""The log of a long read: a line every few seconds, and one for every window."""

import itertools
import logging
from functools import partial

import pytest

from connectors_dagster.read import connection
from tests.support.rows import order


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log lines that Dagster shows."""
    caplog.set_level(logging.INFO, "connectors_dagster")
    return caplog


def test_a_long_read_logs_its_progress_every_few_seconds(api, read, log, monkeypatch):
    """The clock advances two seconds with each of six pages."""
    clock = itertools.count(step=2)
    monkeypatch.setattr(connection, "RequestPolicy", partial(connection.RequestPolicy, clock=lambda: next(clock)))
    api.set("storefront/customers", [{"id": id} for id in range(550)])
    read("storefront/customers")
    assert [line for line in log.messages if "so far" in line] == [
        "storefront/customers: 298 rows on 3 pages in 6 s so far",
        "storefront/customers: 550 rows on 6 pages in 12 s so far",
    ]


def test_a_short_read_logs_one_line_for_each_window_and_nothing_else(api, load, log):
    api.set("storefront/orders", [order(id, "2024-01-05T00:00:00") for id in range(250)])
    load("storefront/orders", windows=["2024-01-01", "2024-01-31"])
    assert sorted(line for line in log.messages if line.startswith("storefront/orders")) == [
        "storefront/orders window 2024-01-01: 250 rows on 3 pages, 0 retries",
        "storefront/orders window 2024-01-31: 0 rows on 1 page, 0 retries",
    ]
