"""Every resource of the vendors' connectors is loaded completely from the sandbox, in windows and whole."""

from datetime import UTC, datetime
from functools import reduce
from operator import getitem
from typing import Any

import pytest

from connectors_dagster import Connector, Resource, load_connectors
from connectors_dagster.sandbox import generate_tables

pytestmark = pytest.mark.journey
END = datetime(2026, 11, 1, tzinfo=UTC)
"""The end of the sandbox's history."""
NOT_AVAILABLE = {"chargebee": {"addon", "plan"}}
"""The resources for which the sandbox returns an error: its site has the other product catalog."""
VENDORS = [connector for connector in load_connectors().values() if not connector.enabled]


def count_items(resource: Resource, tables: dict[str, list[dict[str, Any]]]) -> int:
    """Count the items of the lists in rows that a table is made of."""
    rows: list[Any] = tables[resource.list_of.parent.name]
    return sum(len(reduce(getitem, resource.list_of.path, row)) for row in rows)


@pytest.mark.parametrize("connector", VENDORS, ids=lambda connector: connector.name)
def test_every_table_holds_what_the_sandbox_serves_and_every_value_fits_its_column(
    api, load, warehouse, monkeypatch, connector: Connector
):
    monkeypatch.setenv(f"SOURCES__{connector.name}__REQUESTS_PER_MINUTE".upper(), "1000000")
    tables = api.tables[connector.name] = generate_tables(scale=0.2)[connector.name]
    drift = {}
    for family in connector.families.values():
        for name, stats_by_slice in load(*map(str, family), now=END, step="P1Y").items():
            drift |= {(name, column): why for stats in stats_by_slice.values() for column, why in stats.drift.items()}
    loaded = {
        name: warehouse.query(f'SELECT count(*) FROM {connector.name}."{name}"')[0][0] for name in connector.graph
    }
    listed = {resource.name: count_items(resource, tables) for resource in connector.graph.values() if resource.list_of}
    assert loaded == {name: len(rows) for name, rows in tables.items()} | listed
    assert {name for name, rows in loaded.items() if not rows} == NOT_AVAILABLE.get(connector.name, set())
    assert {column for _, column in drift if not column.startswith("cf_")} == set()
