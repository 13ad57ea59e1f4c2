"""What a connector is made of: values that are checked when they are made."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

import yaml
from dlt.common.schema.typing import TColumnSchema, TTableSchemaColumns
from dlt.common.validation import validate_dict
from dlt.sources.rest_api.config_setup import build_resource_dependency_graph, make_parent_key_name
from dlt.sources.rest_api.typing import RESTAPIConfig

from connectors_dagster.spec.timestamps import Clock

ABSENT_SINCE = "absent_since"
"""The column that marks rows the API no longer returns."""
Absent = Literal["keep", "mark", "delete"]
Meaning = Literal["gone", "none", "not available"]
NAME = r"[a-z][a-z0-9_]*"
BOUND = re.compile(r"\{incremental\.(\w+)\}")


class Setting(str):
    """A value that configuration gives at run time, by its name under ``sources.<connector>``."""


class Secret(Setting):
    """A setting that must never be shown."""


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Which answers are asked for again, and how patiently.

    Args:
        statuses: HTTP statuses that may pass by themselves.
        attempts: how many times to ask again after the first try.
        factor: waits double from this many seconds: 2, 4, 8 …
        max_wait: the longest single wait, `Retry-After` included.
    """

    statuses: frozenset[int] = frozenset({429, 500, 502, 503, 504})
    attempts: int = 3
    factor: float = 2.0
    max_wait: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """How the cursor of a resource behaves, beside the path and parameters dlt's `incremental` names.

    Args:
        clock: how the API writes the cursor and the bounds.
        lower: whether a row exactly at `start_param` is in the answer. (Of the upper bound it does not
            matter: the end of a window is asked for and rows that belong to the next one are cut.)
        without_cursor: keep rows without a cursor, with the first window of each run, or fail.
        unfiltered_first: read the first of all windows without the filter, for an API whose filter hides the rows
            without a cursor. A run that has other windows too cuts them out of the same answers.
    """

    clock: Clock = Clock()
    lower: Literal["inclusive", "exclusive"] = "inclusive"
    without_cursor: Literal["keep", "fail"] = "keep"
    unfiltered_first: bool = False


@dataclass(frozen=True, kw_only=True)
class Connector:
    """One API as a value: what dlt can say is in `config`, only the rest stands beside it.

    Args:
        name: connector, group, dataset and section of the settings.
        description: one line for people.
        config: what to read, as dlt's REST source takes it; `Setting` and `Secret` stand for values.
        cursors: per resource with an `incremental`, how its cursor behaves.
        schema: a dlt schema file with the declared columns.
        step: length of a window, ISO 8601.
        retry: the retry policy.
        absent: per resource, what happens to rows the API no longer returns: ``keep`` them, ``mark`` them with
            the time in a column, or ``delete`` them. Children of a parent that was read again are deleted unless
            something else is said, everything else is kept.
        ignored: what an answer that `response_actions` ignore means, by a text its body holds: the row or parent
            that was asked for is ``gone`` (so does any other), there are ``none`` of what was asked for, or the
            resource is ``not available`` with this account.
        scalars: per resource whose rows are no objects but single values, the column they go into.
        requests_per_minute: how many requests the API grants, if it says so.
        remaining_header: a response header that says how many requests are left of those granted, if there is one.
        detached: children that are families of their own: read whole, for all their parents, because nothing about
            a parent tells that they changed.
        told_by: per child, the field of a parent row that is an empty list or false when the parent has none, and is
            not asked.
        total_header: a response header that says how many rows there are in all: pages along Link headers are
            checked against it.
        total_path: where the body says so, a JSON path, if it does.
        fixed_pages: whether a page has the rows the offset paginator's `limit` says without being asked for them.
        settle_lag: how long the API may take to show a change.
        max_parallel_requests: requests under way at once, from all runs on a machine together.
        enabled: whether the connector is on where configuration does not say which are.
        not_loaded: what the API has and this does not load, each with the reason.
        limits: per resource, what a reader of its table has to know.
        key_advice: how to get credentials with the least rights.
    """

    name: str
    description: str
    config: RESTAPIConfig
    schema: Path
    cursors: Mapping[str, Cursor] = field(default_factory=dict)
    step: str = "P30D"
    absent: Mapping[str, Absent] = field(default_factory=dict)
    ignored: Mapping[str, Meaning] = field(default_factory=dict)
    scalars: Mapping[str, str] = field(default_factory=dict)
    detached: frozenset[str] = frozenset()
    told_by: Mapping[str, str] = field(default_factory=dict)
    total_header: str | None = None
    total_path: str | None = None
    fixed_pages: bool = False
    retry: Retry = Retry()
    settle_lag: timedelta = timedelta(minutes=5)
    max_parallel_requests: int = 4
    requests_per_minute: int | None = None
    remaining_header: str | None = None
    enabled: bool = True
    not_loaded: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    key_advice: str = ""

    def __post_init__(self) -> None:
        """Refuse a connector that contradicts itself."""
        check_connector(self)

    @cached_property
    def resources(self) -> Mapping[str, "Resource"]:
        """All resources by name, parents before their children."""
        graph, endpoints, parents = build_resource_dependency_graph(
            self.config.get("resource_defaults") or {}, self.config["resources"]
        )
        found = (
            Resource(self, name, cast(dict[str, Any], endpoints[name]), parents[name] or [])
            for name in graph.static_order()
        )
        return MappingProxyType({resource.name: resource for resource in found})

    @cached_property
    def families(self) -> Mapping[str, tuple["Resource", ...]]:
        """Parents with all their children but the detached, by the name of the eldest."""
        families: dict[str, tuple[Resource, ...]] = {}
        for resource in self.resources.values():
            families[resource.family] = (*families.get(resource.family, ()), resource)
        return MappingProxyType(families)

    @cached_property
    def tables(self) -> Mapping[str, TTableSchemaColumns]:
        """Declared columns by table, from the schema file."""
        document = yaml.load(self.schema.read_text(encoding="utf-8"), Loader=_yaml_loader())
        tables = document["tables"]
        return {
            name: {column: cast(TColumnSchema, {"name": column, **hints}) for column, hints in table["columns"].items()}
            for name, table in tables.items()
        }

    @property
    def tells_total(self) -> bool:
        """Whether the API says how many rows there are in all."""
        return bool(self.total_header or self.total_path)

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """Every setting the configuration names, each once, in order of appearance."""
        return tuple(dict.fromkeys(_settings(self.config)))


@dataclass(frozen=True, eq=False)
class Resource:
    """One resource of a connector: an endpoint, a table, an asset."""

    connector: Connector
    name: str
    definition: Mapping[str, Any]
    resolved: Sequence[Any]

    def __str__(self) -> str:
        """Name it as people select it."""
        return f"{self.connector.name}/{self.name}"

    @property
    def endpoint(self) -> Mapping[str, Any]:
        """The endpoint as dlt completed it from the defaults."""
        return cast(Mapping[str, Any], self.definition["endpoint"])

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The fields that tell rows apart."""
        key = self.definition.get("primary_key") or ()
        return (key,) if isinstance(key, str) else tuple(key)

    @property
    def incremental(self) -> Mapping[str, Any] | None:
        """Dlt's `incremental` of the endpoint: cursor path and filter parameters."""
        return self.endpoint.get("incremental")

    @property
    def cursor(self) -> Cursor | None:
        """How the cursor behaves, or None for a resource that is loaded whole."""
        return self.connector.cursors.get(self.name)

    @property
    def windowed(self) -> bool:
        """Whether the resource is loaded window by window; children follow their parents."""
        return self.eldest.cursor is not None

    @property
    def filtered(self) -> bool:
        """Whether the API filters by window; otherwise rows are cut here."""
        return self._asked_with("start")

    @property
    def bounded(self) -> bool:
        """Whether the API's filter ends with the window, so that each can be asked for by itself."""
        return self.filtered and self._asked_with("end")

    @property
    def bound_params(self) -> Mapping[str, str]:
        """Parameters with dlt's placeholders for the bounds of a window, such as ``{incremental.start_value}``."""
        params = self.endpoint.get("params") or {}
        return {name: text for name, text in params.items() if isinstance(text, str) and BOUND.search(text)}

    @property
    def parent(self) -> "Resource | None":
        """The resource whose rows this one is asked for, one by one."""
        return self.connector.resources[self.resolved[0].resolve_config["resource"]] if self.resolved else None

    @property
    def absent(self) -> Absent:
        """What happens to rows the API no longer returns."""
        return self.connector.absent.get(self.name, "delete" if self.parent else "keep")

    @property
    def children(self) -> tuple["Resource", ...]:
        """The resources that are asked for once per row of this one."""
        return tuple(r for r in self.connector.resources.values() if r.parent and r.parent.name == self.name)

    @property
    def eldest(self) -> "Resource":
        """The first ancestor it is loaded with, or itself."""
        return self if self.parent is None or self.name in self.connector.detached else self.parent.eldest

    @property
    def family(self) -> str:
        """The name of the eldest."""
        return self.eldest.name

    @property
    def parent_fields(self) -> tuple[str, ...]:
        """Fields of a parent row that say what to ask for, and what goes into the rows."""
        asked = (param.resolve_config["field"].split(".")[0] for param in self.resolved)
        telling = [self.told_by] if self.told_by else []
        return tuple(dict.fromkeys((*asked, *self.included, *telling)))

    @property
    def told_by(self) -> str | None:
        """The field of a parent row that is an empty list or false when the parent has none of these rows."""
        return self.connector.told_by.get(self.name)

    @property
    def included(self) -> Mapping[str, str]:
        """Fields copied from the parent row, with the name each gets here."""
        parent = self.parent.name if self.parent else ""
        return {name: make_parent_key_name(parent, name) for name in self.definition.get("include_from_parent") or ()}

    @property
    def columns(self) -> TTableSchemaColumns:
        """Declared columns, those taken from the parent included."""
        columns = dict(self.connector.tables.get(self.name, {}))
        if self.absent == "mark":
            what = "when the API was first found not to return the row any more"
            columns[ABSENT_SINCE] = {"name": ABSENT_SINCE, "data_type": "timestamp", "description": what}
        for name, column in self.included.items():
            declared = self.parent.columns.get(name, {}) if self.parent else {}
            columns[column] = {
                "name": column,
                "data_type": declared.get("data_type", "text"),
                "description": f"{name} of the parent row",
            }
            if column in self.primary_key:
                columns[column]["nullable"] = False
        return columns

    def _asked_with(self, bound: str) -> bool:
        named = (self.incremental or {}).get(f"{bound}_param")
        return bool(named) or f"{bound}_value" in self._bounds

    @property
    def _bounds(self) -> set[str]:
        return {name for text in self.bound_params.values() for name in BOUND.findall(text)}


def check_connector(connector: Connector) -> None:
    """Refuse names that are no identifiers, cursors without `incremental`, and the other way round.

    Raises:
        DictValidationException: dlt does not accept the configuration.
        ValueError: says which connector and resource, what is wrong, and what to write.
    """
    validate_dict(RESTAPIConfig, connector.config, path=connector.name)
    names = [connector.name, *connector.resources]
    if bad := [name for name in names if not re.fullmatch(NAME, name)]:
        raise ValueError(f"{connector.name}: {bad} must be lower-case identifiers: letters, digits, underscores")
    for contradiction in _contradictions_between(connector):
        raise ValueError(f"{connector.name}: {contradiction}")
    for resource in connector.resources.values():
        for contradiction in _contradictions(resource):
            raise ValueError(f"{resource}: {contradiction}")


def _contradictions_between(connector: Connector) -> Iterator[str]:
    resources = connector.resources
    incremental = {r.name for r in resources.values() if r.incremental}
    if lonely := incremental ^ set(connector.cursors):
        yield f"{sorted(lonely)} must have both an 'incremental' in the endpoint and a place in cursors"
    if orphans := (connector.detached | set(connector.told_by)) & {r.name for r in resources.values() if not r.parent}:
        yield f"{sorted(orphans)} in detached or told_by have no parent"
    for name in ("absent", "detached", "limits", "scalars", "told_by"):
        if unknown := set(getattr(connector, name)) - set(resources):
            yield f"{sorted(unknown)} in {name} are no resources; there are {', '.join(resources)}"
    if both := set(connector.not_loaded) & set(resources):
        yield f"{sorted(both)} are resources and in not_loaded"


def _contradictions(resource: Resource) -> Iterator[str]:
    if "processing_steps" in resource.definition:
        yield "processing_steps are not run here: rows are loaded as the API gives them"
    if resource.parent and not resource.included:
        yield "include_from_parent must name the parent's key: rows must say whose they are"
    if resource.windowed and not resource.parent and resource.absent != "keep":
        yield "a window does not tell which rows are absent: only 'keep' is possible"
    if unread := set(resource.incremental or ()) - {"cursor_path", "start_param", "end_param"}:
        yield f"{sorted(unread)} of 'incremental' are not read here: say in cursors how a cursor behaves"
    if other := resource._bounds - {"start_value", "end_value"}:
        yield f"{sorted(other)} of 'incremental' are not filled in here: a window has a start_value and an end_value"
    if resource.cursor and resource.cursor.unfiltered_first and not resource.filtered:
        yield "unfiltered_first, but no filter to leave out"
    if not resource.primary_key:
        yield "no primary_key: rows of repeated reads could not be told apart"


def _settings(value: Any) -> Iterator[Setting]:
    if isinstance(value, Setting):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _settings(item)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            yield from _settings(item)


def _yaml_loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
