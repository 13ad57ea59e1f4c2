"""A connector: one API as a value that is validated when it is created."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from dlt.common.schema import TTableSchemaColumns
from dlt.sources.rest_api.typing import RESTAPIConfig

from connectors_dagster.compat.dlt_internals import build_resource_dependency_graph
from connectors_dagster.spec.authentication import AuthChoice, SessionToken
from connectors_dagster.spec.braces import escape_braces
from connectors_dagster.spec.computed import Computed, find_computed
from connectors_dagster.spec.declared_settings import declared_settings
from connectors_dagster.spec.for_each import marked
from connectors_dagster.spec.list_tables import list_tables
from connectors_dagster.spec.options import MissingEnvelope, ResourceOptions, Retry
from connectors_dagster.spec.placeholders import Setting, find_placeholders
from connectors_dagster.spec.program import Program
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.response_rule import IgnoredResponse, ResponseRule
from connectors_dagster.spec.schema_file import SchemaFile, read_schema
from connectors_dagster.spec.validation import check_connector


@dataclass(frozen=True, kw_only=True)
class Connector:
    """One API as a value: dlt's configuration in `config`, plus only what dlt cannot express.

    `ResourceOptions` has some of the same options, with which a resource that differs from the others overrides them.

    Args:
        name: the name of the connector, its asset group, its dataset and its section of the settings.
        description: one line for people.
        config: what to read, as dlt's REST source takes it, with a `Setting` or `Secret` for each value
            that is configured, or a `Text` with some of them in it.
        schema: a dlt schema file with the declared columns, or the columns themselves by table.
        resources: options per resource; a resource without any may be left out.
        groups: groups of resources, so that the graph of a connector with many of them can be read, such as
            ``{"shipping": ("zones", "methods")}``. Their assets are in the group ``<connector>_<name>``, with their
            children. The API and all other resources are in the group ``<connector>``.
        auth_choice: authentication that a setting chooses, in place of `auth` of the client.
        session_token: a token that is requested first and sent with every request, in place of `auth` of the client.
        step: length of a window, ISO 8601.
        start_date: start of the first window, an ISO 8601 date, unless the setting `START_DATE` of the connector says
            another one; by default that of the project.
        retry: which requests are retried, and after how long.
        ignored_responses: the meaning of responses that `response_actions` ignore, by a text in the body: ``gone``
            (the row or its parent no longer exists; also the default), ``none`` (the list is empty), ``unknown`` (it
            may be empty: rows that were there stay) or ``not_available`` (this account does not have the resource).
        total_header: a response header with the total number of rows.
        total_path: a JSON path in the body to the total number of rows.
        missing_envelope: what a page means on which `data_selector` matches nothing: ``fail`` the load, or the page is
            ``empty``. An error in the body still fails, see `error_when`.
        responses: rules for responses that mean something else than their status says; the first that fits counts.
        error_when: a JSON path in the body of a successful response; a value there that is not empty is an error. By
            default the shapes that APIs commonly use are errors, such as ``{"success": false}``; an empty text turns
            that off.
        retry_reported_errors: whether such errors are retried.
        join_list_params: write lists in query parameters as one value with commas instead of repeating the parameter.
        fixed_page_size: whether the page size is fixed by the API and cannot be requested; it is then the paginator's
            `limit`.
        omit_first_page_number: whether the first page is requested without its page number or offset.
        short_page_is_end: whether a page with fewer rows than requested is always the last one.
        accept_fewer: whether a load succeeds although fewer rows were read than the total the API reports.
        pages_are_stable: whether rows never move between pages, for example because a cursor names the last row of a
            page; then nothing is read twice. Pages by offset then do not overlap, so that every offset is a multiple of
            the page size.
        lookback: how long the API may take to show a change.
        max_parallel_requests: maximum concurrent requests, shared by all runs on the machine.
        requests_per_minute: maximum requests in any minute, shared by all runs on the machine; None for no limit.
        rate_limit_header: a response header with the number of remaining requests, or with those that were used and how
            many there may be, such as ``39/40``.
        enabled: whether the connector is enabled when the configuration does not list connectors.
        excluded: resources of the API that the connector does not load, each with the reason.
        credentials_help: how to get credentials with the fewest permissions.
        programs: the resources whose rows a program reads instead of requests of this project, with that program.
        shop: the shop that it reads, if several shops have settings; its name then ends in it.
    """

    name: str
    description: str
    config: RESTAPIConfig
    schema: Path | Mapping[str, TTableSchemaColumns]
    resources: Mapping[str, ResourceOptions] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    auth_choice: AuthChoice | None = None
    session_token: SessionToken | None = None
    step: str = "P30D"
    start_date: str | None = None
    retry: Retry = Retry()
    ignored_responses: Mapping[str, IgnoredResponse] = field(default_factory=dict)
    total_header: str | None = None
    total_path: str | None = None
    missing_envelope: MissingEnvelope = "fail"
    responses: tuple[ResponseRule, ...] = ()
    error_when: str | None = None
    retry_reported_errors: bool = False
    join_list_params: bool = False
    fixed_page_size: bool = False
    omit_first_page_number: bool = False
    short_page_is_end: bool = False
    accept_fewer: bool = False
    pages_are_stable: bool = False
    lookback: timedelta = timedelta(minutes=5)
    max_parallel_requests: int = 4
    requests_per_minute: int | None = None
    rate_limit_header: str | None = None
    enabled: bool = True
    excluded: Mapping[str, str] = field(default_factory=dict)
    credentials_help: str = ""
    programs: Mapping[str, Program] = field(default_factory=dict)
    shop: str = ""

    def __post_init__(self) -> None:
        """Refuse a connector that contradicts itself."""
        check_connector(self)

    def of_shop(self, shop: str) -> "Connector":
        """Return this connector as it reads one of several shops."""
        return replace(self, name=f"{self.name}_{shop}", shop=shop)

    @property
    def common_name(self) -> str:
        """The name that the connector has in common for all its shops."""
        return self.name.removesuffix(f"_{self.shop}") if self.shop else self.name

    @property
    def sections(self) -> tuple[str, ...]:
        """Where its settings are in the configuration, below `sources`: those of its shop come first."""
        return (f"{self.common_name}.{self.shop}", self.common_name) if self.shop else (self.name,)

    @cached_property
    def graph(self) -> Mapping[str, Resource]:
        """All resources by name, parents before their children."""
        order, endpoints, parents = build_resource_dependency_graph(
            marked(self.config.get("resource_defaults") or {}), escape_braces(marked(self.config["resources"]))
        )
        found: dict[str, Resource] = {}
        for name in order.static_order():
            resource = Resource(self, name, cast(dict[str, Any], endpoints[name]), parents[name] or [])
            lists = (Resource(self, table, hints, [], place) for table, hints, place in list_tables(resource))
            for one in (resource, *lists):
                if one.name in found or (one.list_of and one.name in endpoints):
                    raise ValueError(f"{self.name}: {one.name!r} is the name of two tables: change it in children")
                found[one.name] = one
        return MappingProxyType(found)

    @cached_property
    def families(self) -> Mapping[str, tuple[Resource, ...]]:
        """Parents with the children that are loaded with them, by the name of their root."""
        families: dict[str, tuple[Resource, ...]] = {}
        for resource in self.graph.values():
            families[resource.family] = (*families.get(resource.family, ()), resource)
        return MappingProxyType(families)

    @property
    def tables(self) -> Mapping[str, TTableSchemaColumns]:
        """Declared columns by table, from the schema file.

        Raises:
            ValueError: the file does not exist, or cannot be used.
        """
        return self._schema_file.columns

    @property
    def row_descriptions(self) -> Mapping[str, str]:
        """What a row of each table is, from the schema file; empty if it does not say.

        Raises:
            ValueError: the file does not exist, or cannot be used.
        """
        return self._schema_file.descriptions

    @cached_property
    def _schema_file(self) -> SchemaFile:
        if isinstance(self.schema, Mapping):
            return SchemaFile(columns=dict(self.schema), descriptions={})
        if not self.schema.exists():
            raise ValueError(
                f"{self.name}: the schema file {self.schema.name} does not exist: create it beside {self.source_file}; "
                "with 'tables: {}' in it, columns get the types of their values"
            )
        try:
            return read_schema(self.schema, self.graph)
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from None

    @property
    def source_file(self) -> str:
        """The file that declares the connector, which is beside its schema file; for messages."""
        if isinstance(self.schema, Mapping):
            return "the manifest"
        in_yaml = self.schema.with_name("defs.yaml").exists()
        return f"{self.schema.parent.name}/{'defs.yaml' if in_yaml else f'{self.name}.py'}"

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The settings that the configuration and the options use, each once and as it is declared, in order.

        Raises:
            ValueError: a setting is declared in two ways.
        """
        return declared_settings([self.config, self._plain_options, *self.auth_choices])

    @property
    def auth_choices(self) -> tuple[AuthChoice, ...]:
        """The choices of authentication of the connector and its resources."""
        written = (self.auth_choice, *(one.auth_choice for one in self.resources.values()))
        return tuple(one for one in written if one)

    @property
    def session_tokens(self) -> tuple[SessionToken, ...]:
        """The session tokens of the connector and its resources."""
        written = (self.session_token, *(one.session_token for one in self.resources.values()))
        return tuple(one for one in written if one)

    def needed_settings(self, values: Mapping[Setting, Any]) -> tuple[Setting, ...]:
        """Return the settings that are used with these values: not those of authentication that is not chosen."""
        used = set(find_placeholders(self._used(values)))
        return tuple(one for one in self.settings if one in used)

    def computed(self, values: Mapping[Setting, Any]) -> tuple[Computed, ...]:
        """Return what is computed from these values of settings: not in authentication that is not chosen."""
        return tuple(find_computed(self._used(values)))

    def _used(self, values: Mapping[Setting, Any]) -> Sequence[Any]:
        """Return what may have settings, with the chosen authentication only."""
        return [self.config, self._plain_options, [(one.by, one.chosen(values)) for one in self.auth_choices]]

    @property
    def _plain_options(self) -> Sequence[Any]:
        """What may have settings in the options, except in what a setting chooses."""
        options = [(one.base_url, one.for_each) for one in self.resources.values()]
        return [self.session_tokens, options, [one.settings for one in self.programs.values()]]
