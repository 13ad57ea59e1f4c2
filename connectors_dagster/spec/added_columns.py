"""The columns of a table that are not declared, because they are added to what the API returns."""

from typing import TYPE_CHECKING, Any, cast

from dlt.common.schema import TTableSchemaColumns

from connectors_dagster.spec.list_tables import POSITION

if TYPE_CHECKING:
    from connectors_dagster.spec.resource import Resource

ABSENT_SINCE = "absent_since"
"""The column with the time of the first read in which the API no longer returned the row."""
ROW_HASH = "_row_hash"
"""The column with the hash of a row that has no key."""
WINDOW = "_window"
"""The column with the key of the window that a row was read in, where that says which rows are missing."""


def added_columns(resource: "Resource") -> TTableSchemaColumns:
    """Return the columns for keys, windows, lists and missing rows, and those that are copied from the parent."""
    added: dict[str, dict[str, Any]] = {}
    if resource.missing_rows == "mark":
        what = "time of the first read in which the API no longer returned the row"
        added[ABSENT_SINCE] = {"data_type": "timestamp", "description": what}
    if resource.options.key:
        added[ROW_HASH] = {"data_type": "text", "description": "hash of the row"}
    if resource.labels_windows:
        added[WINDOW] = {"data_type": "text", "description": "key of the window of the row"}
    for name in resource.options.include_each:
        values = resource.options.for_each.get(name, "")
        numbers = not isinstance(values, str) and all(isinstance(value, int) for value in values)
        what = f"{name} that the row was requested for"
        added[f"_{name}"] = {"data_type": "bigint" if numbers else "text", "description": what}
    lists = {path.partition(".")[0] for path in resource.options.children}
    for name in sorted(lists - resource.connector.tables.get(resource.name, {}).keys()):
        added[name] = {"data_type": "json"}
    parent = resource.parent.name if resource.parent else ""
    for name, column in resource.included.items():
        declared = resource.parent.columns.get(name, {}) if resource.parent else {}
        of_parent = {"data_type": declared["data_type"]} if "data_type" in declared else {}
        added[column] = {"description": f"{name} of the parent row in {parent}", **of_parent}
    if resource.list_of:
        added[POSITION] = {"data_type": "bigint", "description": "place in the list, from 0"}
    columns: TTableSchemaColumns = {
        name: cast(Any, {"name": name, **hints, **({"nullable": False} if name in resource.primary_key else {})})
        for name, hints in added.items()
    }
    return columns
