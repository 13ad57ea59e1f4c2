"""Lists in the rows of a resource that become tables of their own, each as a resource that makes no request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors_dagster.compat.dlt_internals import make_parent_key_name

if TYPE_CHECKING:
    from connectors_dagster.spec.resource import Resource

POSITION = "_position"
"""The column with the place of an item in its list, from 0."""


@dataclass(frozen=True, kw_only=True)
class ListOf:
    """Where the rows of a table are that are items of a list.

    Args:
        parent: the resource whose rows have the list.
        path: the field with the list, and names of fields within it.
    """

    parent: "Resource"
    path: tuple[str, ...]

    @property
    def column(self) -> str:
        """The field of the parent row that has the list."""
        return self.path[0]


def list_tables(parent: "Resource") -> Iterator[tuple[str, Mapping[str, Any], ListOf]]:
    """Yield the tables for lists in the rows of a resource: name, definition as dlt would write it, and place."""
    for path, name in parent.options.children.items():
        keys = [make_parent_key_name(parent.name, key) for key in parent.primary_key]
        definition = {
            "name": name,
            "endpoint": {"path": parent.endpoint.get("path")},
            "primary_key": [*keys, POSITION],
            "write_disposition": parent.disposition,
            "include_from_parent": list(parent.primary_key),
            "selected": parent.definition.get("selected", True),
        }
        yield name, definition, ListOf(parent=parent, path=tuple(path.split(".")))


def list_table_problems(resource: "Resource") -> Iterator[str]:
    """Describe why lists in the rows of a resource cannot become tables."""
    options = resource.options
    if not options.children:
        return
    if resource.list_of:
        yield "children of a list in a row are not supported: they stay in a json column"
    if resource.definition.get("max_table_nesting") is not None:
        yield "children is set, and max_table_nesting too: remove one of the two"
    if resource.disposition != "replace" and not resource.merges_only_by_key:
        yield "children is set, but write_disposition is neither replace nor a merge by primary_key alone"
    for path in options.children:
        column = path.partition(".")[0]
        declared = resource.connector.tables.get(resource.name, {}).get(column, {}).get("data_type", "json")
        if declared != "json":
            yield f"children names the field {column!r}, which is declared as {declared}: a list is json"
