"""Deletes all rows of resources, with their nested tables and what was set aside."""

from collections.abc import Sequence

from connectors_dagster.errors import LoadError
from connectors_dagster.load.destination import build_destination, reading
from connectors_dagster.load.destination_location import location
from connectors_dagster.load.family import open_family
from connectors_dagster.load.inventory import Columns, columns_in, count_rows
from connectors_dagster.load.lake_tables import delete_rows_where
from connectors_dagster.load.traits import destination_traits
from connectors_dagster.spec.resource import Resource


def delete_rows(resources: Sequence[Resource]) -> dict[str, int]:
    """Delete all rows of resources of one family; the empty tables stay.

    Returns:
        The number of deleted rows by table.

    Raises:
        LoadError: the destination cannot delete rows.
        DestinationBusyError: a load of the family, or another program, keeps it busy.
    """
    if not destination_traits().describes_tables:
        raise LoadError(f"{location()}: rows cannot be deleted there: delete them by hand, then reset without them")
    connector, family = resources[0].connector, resources[0].pipeline_name
    deleted = {}
    with (
        open_family(build_destination(), connector.name, family, "deleting the rows of"),
        reading(connector.name) as client,
    ):
        found = columns_in(client)
        for resource in resources:
            for table in _tables(resource, found):
                rows = count_rows(client, table) or 0
                delete_rows_where(client, table, "1 = 1")
                deleted[f"{connector.name}.{table}"] = rows
    return deleted


def _tables(resource: Resource, found: Columns) -> list[str]:
    others = {name.lower() for name in resource.connector.graph} - {resource.name.lower()}
    own, nested = resource.name.lower(), f"{resource.name.lower()}__"
    return [table for table in sorted(found) if table == own or (table.startswith(nested) and table not in others)]
