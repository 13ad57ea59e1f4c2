"""Reads resources as documented, in the window of the facts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors_dagster import Resource, load_connectors
from connectors_dagster.read import connection
from connectors_dagster.read.reader import ResourceReader
from connectors_dagster.rows.raw_json import decode_row
from connectors_dagster.spec.windows import Slice, Window
from tests.support.sheets import read_facts

CONNECTORS = load_connectors()
EVERY = [resource for connector in CONNECTORS.values() for resource in connector.graph.values()]
RESOURCES = [resource for resource in EVERY if not resource.list_of]
every_connector = pytest.mark.parametrize("connector", CONNECTORS.values(), ids=lambda connector: connector.name)
every_resource = pytest.mark.parametrize("resource", RESOURCES, ids=str)

WINDOW = Window(datetime(2024, 1, 31, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC))
"""The window of the facts; the cursors of samples are in it."""
SLICE = Slice(WINDOW, WINDOW.start, WINDOW.end)


def with_facts(what: str) -> list[Resource]:
    """List the resources whose facts have an optional entry."""
    return [r for r in RESOURCES if what in read_facts(r.connector.name)["resources"].get(r.name, {})]


def lineage(resource: Resource, slice_: Slice = SLICE) -> list[ResourceReader]:
    """Make the readers of a resource and of its parent, the parent first."""
    connected = connection.connect(resource.connector)
    readings: list[ResourceReader] = []
    for one in [r for r in (resource.parent, resource) if r]:
        parents = readings[-1].rows_of_children if readings else {}
        slices = [slice_] if resource.windowed else []
        readings.append(ResourceReader(resource=one, connection=connected, slices=slices, parents=parents))
    return readings


def read(resource: Resource, slice_: Slice = SLICE) -> tuple[list[dict[str, Any]], ResourceReader]:
    """Read a resource, and its parent if it has one; return its rows and its reader."""
    readings = lineage(resource, slice_)
    found = [[row for rows, _ in reading.pages() for row in rows] for reading in readings]
    return [decode_row(row) for row in found[-1]], readings[-1]


def keys(resource: Resource, rows: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {tuple(row[name] for name in resource.primary_key) for row in rows}
