"""One resource of a connector: an endpoint, a table and an asset."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from dlt.common.schema import TTableSchemaColumns

from connectors_dagster.compat.dlt_internals import make_parent_key_name
from connectors_dagster.spec.added_columns import ROW_HASH, added_columns
from connectors_dagster.spec.for_each import MARK
from connectors_dagster.spec.inherited import Inherited
from connectors_dagster.spec.list_tables import ListOf
from connectors_dagster.spec.options import Cursor, MissingEnvelope, MissingRows, ResourceOptions
from connectors_dagster.spec.program import Program
from connectors_dagster.spec.response_rule import ResponseRule

if TYPE_CHECKING:
    from connectors_dagster.spec.connector import Connector

BOUND = re.compile(r"\{incremental\.(\w+)\}")


@dataclass(frozen=True, eq=False)
class Resource:
    """A resource with dlt's defaults filled in, its options and its relations to other resources.

    An option that `ResourceOptions` shares with `Connector`, such as `accept_fewer`, is an attribute here: the
    resource's own, or else the connector's.

    Args:
        connector: the connector it belongs to.
        name: the name of the resource and its table, and the last part of the asset key.
        definition: the resource as dlt completed it from `resource_defaults`.
        resolved: dlt's parameters that are filled from a parent row; empty for a resource without a parent.
        list_of: the list in the rows of its parent that this resource is made of; None if it is requested.
    """

    connector: "Connector"
    name: str
    definition: Mapping[str, Any]
    resolved: Sequence[Any]
    list_of: ListOf | None = None

    total_header = Inherited[str | None]()
    total_path = Inherited[str | None]()
    missing_envelope = Inherited[MissingEnvelope]()
    responses = Inherited[tuple[ResponseRule, ...]]()
    error_when = Inherited[str | None]()
    retry_reported_errors = Inherited[bool]()
    join_list_params = Inherited[bool]()
    fixed_page_size = Inherited[bool]()
    omit_first_page_number = Inherited[bool]()
    short_page_is_end = Inherited[bool]()
    accept_fewer = Inherited[bool]()
    pages_are_stable = Inherited[bool]()

    def __str__(self) -> str:
        """Return the name for selections and messages: ``<connector>/<resource>``."""
        return f"{self.connector.name}/{self.name}"

    @cached_property
    def options(self) -> ResourceOptions:
        """The options that the connector declares for this resource beyond dlt's configuration."""
        return self.connector.resources.get(self.name, ResourceOptions())

    @property
    def endpoint(self) -> Mapping[str, Any]:
        """The endpoint as dlt completed it from the defaults."""
        return cast(Mapping[str, Any], self.definition["endpoint"])

    @property
    def program(self) -> Program | None:
        """What reads the rows instead of requests of this project."""
        return self.connector.programs.get(self.name)

    @property
    def base_url(self) -> str:
        """The address that paths are relative to, with placeholders: the resource's own, or else that of the client."""
        return self.options.base_url or self.connector.config["client"]["base_url"]

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The fields that identify a row."""
        if self.options.key:
            return (*self.included.values(), ROW_HASH)
        key = self.definition.get("primary_key") or ()
        return (key,) if isinstance(key, str) else tuple(key)

    @property
    def rejected_table(self) -> str:
        """The name of the table for rows that were set aside because they cannot be placed."""
        return f"{self.name}__rejected"

    @property
    def disposition(self) -> str:
        """What a load does with the rows of the table: ``merge``, ``replace`` or ``append``."""
        disposition = self.definition.get("write_disposition") or ("merge" if self.options.key else "append")
        return str(disposition["disposition"] if isinstance(disposition, Mapping) else disposition)

    @property
    def merges_only_by_key(self) -> bool:
        """Whether a load changes only the rows it contains, so that rows of an incomplete read may be in it."""
        disposition, columns = self.definition.get("write_disposition"), self.definition.get("columns") or {}
        strategy = disposition.get("strategy") if isinstance(disposition, Mapping) else None
        hints = (*(columns.values() if isinstance(columns, Mapping) else columns), *self.columns.values())
        by_another_key = self.definition.get("merge_key") or any(hint.get("merge_key") for hint in hints)
        return self.disposition == "merge" and strategy != "scd2" and not by_another_key

    @property
    def has_total(self) -> bool:
        """Whether it is declared where the API reports the total number of rows."""
        return bool(self.total_header or self.total_path) and not self.list_of

    @property
    def incremental(self) -> Mapping[str, Any] | None:
        """Dlt's `incremental` of the endpoint: cursor path and filter parameters."""
        return self.endpoint.get("incremental")

    @property
    def cursor_path(self) -> str | None:
        """Where a row has its time cursor: the name of a field, or a JSON path."""
        return (self.incremental or {}).get("cursor_path")

    @property
    def cursor(self) -> Cursor | None:
        """How the cursor behaves; None for a resource that is always loaded completely."""
        return self.options.cursor

    @property
    def windowed(self) -> bool:
        """Whether the resource is loaded window by window; children without a cursor follow their parents."""
        return self.root.cursor is not None

    @property
    def filtered(self) -> bool:
        """Whether the API filters by window; otherwise rows are filtered after reading."""
        return self._filters_by("start")

    @property
    def bounded(self) -> bool:
        """Whether the API's filter has an upper bound, so that each window can be requested on its own."""
        return self.filtered and self._filters_by("end")

    @property
    def filter_params(self) -> tuple[str, ...]:
        """The query parameters that filter by time: those `incremental` names, and those with a placeholder."""
        named = [(self.incremental or {}).get(name) for name in ("start_param", "end_param")]
        params: Mapping[str, Any] = self.endpoint.get("params") or {}
        written = (name for name, value in params.items() if any(map(BOUND.search, _texts(value))))
        return tuple(dict.fromkeys((*written, *filter(None, named))))

    @property
    def bounds(self) -> set[str]:
        """The names of dlt's placeholders for the bounds of a window in the request, such as ``start_value``."""
        request = [self.endpoint.get(part) for part in ("path", "headers", "params", "json", "data")]
        return {name for text in _texts(request) for name in BOUND.findall(text)}

    @property
    def each_used(self) -> set[str]:
        """The names of the lists with one request for each value, as the request uses them."""
        request = [self.endpoint.get(part) for part in ("path", "headers", "params", "json", "data")]
        return {name for text in _texts(request) for name in MARK.findall(text)}

    @property
    def parent(self) -> "Resource | None":
        """The resource whose rows this one is requested for, one request sequence per row, or whose lists it has."""
        if self.list_of:
            return self.list_of.parent
        return self.connector.graph[self.resolved[0].resolve_config["resource"]] if self.resolved else None

    @property
    def line(self) -> Iterator["Resource"]:
        """The resource itself, and then all whose rows it is read from, up to the top."""
        one: Resource | None = self
        while one:
            yield one
            one = one.parent

    @property
    def missing_rows(self) -> MissingRows:
        """What happens to rows the API no longer returns."""
        return self.options.missing_rows or (
            "delete" if (self.parent and not self.cursor) or (self.options.key and not self.windowed) else "keep"
        )

    @property
    def labels_windows(self) -> bool:
        """Whether each row says which window it was read in, so that missing rows are found when that is read again."""
        return self.windowed and not self.parent and bool(self.options.key) and self.missing_rows != "keep"

    @property
    def children(self) -> tuple["Resource", ...]:
        """The resources that are requested once per row of this one, and those of the lists in its rows."""
        return tuple(r for r in self.connector.graph.values() if r.parent and r.parent.name == self.name)

    @property
    def requested_children(self) -> tuple["Resource", ...]:
        """The resources that are requested once per row of this one."""
        return tuple(child for child in self.children if not child.list_of)

    def may_have_rows(self, parent: Mapping[str, Any]) -> bool:
        """Return whether a parent row may have rows of this resource, as `has_children_field` says."""
        field, values = self.options.has_children_field, self.options.has_children_values
        if field is None:
            return True
        return parent[field] in values if values else parent[field] not in ([], False)

    def lacks_key(self, parent: Mapping[str, Any]) -> bool:
        """Return whether nothing can be requested for a parent row, and `skip_parents_without_key` allows that."""
        return self.options.skip_parents_without_key and any(parent[name] is None for name in self.requested_fields)

    @property
    def root(self) -> "Resource":
        """The topmost ancestor that is loaded together with this resource, or the resource itself.

        A child with a cursor of its own is loaded in its own windows, for all rows of its parent.
        """
        parent = self.parent
        if parent is None or self.cursor is not None or (parent.options.separate_children and not self.list_of):
            return self
        return parent.root

    @property
    def family(self) -> str:
        """The name of the root."""
        return self.root.name

    @property
    def pipeline_name(self) -> str:
        """The name of dlt pipeline and schema, which a family shares; two loads of it never overlap."""
        return f"{self.connector.name}_{self.family}"

    @property
    def parent_fields(self) -> tuple[str, ...]:
        """Fields of a parent row that the request needs or that are copied into the rows."""
        field = self.options.has_children_field
        return tuple(dict.fromkeys((*self.requested_fields, *self.included, *([field] if field else ()))))

    @property
    def requested_fields(self) -> tuple[str, ...]:
        """Fields of a parent row that the request needs."""
        return tuple(dict.fromkeys(param.resolve_config["field"].split(".")[0] for param in self.resolved))

    @property
    def included(self) -> Mapping[str, str]:
        """Fields copied from the parent row, each with its column name in this table."""
        parent = self.parent.name if self.parent else ""
        return {name: make_parent_key_name(parent, name) for name in self.definition.get("include_from_parent") or ()}

    @property
    def parent_column(self) -> str | None:
        """The column with the key of the parent row."""
        return next(iter(self.included.values()), None)

    @property
    def columns(self) -> TTableSchemaColumns:
        """Declared columns, including those that are added to what the API returns."""
        return {**self.connector.tables.get(self.name, {}), **added_columns(self)}

    def _filters_by(self, bound: str) -> bool:
        named = (self.incremental or {}).get(f"{bound}_param")
        return bool(named) or f"{bound}_value" in self.bounds


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in nested mappings and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)
