"""The command that copies tables from another destination."""

import pytest

from tests.support.rows import order
from tests.support.warehouse import Warehouse


@pytest.mark.journey
def test_tables_are_copied_and_their_windows_are_still_to_be_read(connectors, api, load, request, project, monkeypatch):
    monkeypatch.setenv("CONNECTORS__ENABLED", "storefront")
    api.set("storefront/orders", [order(id, "2024-01-15T00:00:00") for id in range(3)])
    connectors("run", "storefront/orders", "--to", "2024-02-01")
    api.set("storefront/orders", [order(2, "2024-01-16T00:00:00", status="newest")])
    postgres = request.getfixturevalue("postgres")
    done = connectors("copy", "storefront/orders", "--from", "duckdb")
    assert done.exit_code == 0 and "storefront.orders: copied 3 rows" in done.output
    again = connectors("copy", "storefront/orders", "--from", "duckdb")
    assert again.exit_code == 1 and "orders already there" in again.output
    connectors("run", "storefront/orders", "--missing", "--to", "2024-02-01")
    rows = postgres.query("SELECT id, status FROM storefront.orders ORDER BY id")
    assert rows == [(0, "completed"), (1, "completed"), (2, "newest")]
    assert Warehouse(project / "warehouse.duckdb").ids("storefront.orders") == [0, 1, 2]
