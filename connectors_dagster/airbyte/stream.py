"""A stream of a manifest, taken apart."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.names import identifiers
from connectors_dagster.airbyte.parameters import PARAMETERS, reads_parameters, with_parameters
from connectors_dagster.airbyte.settings import Settings
from connectors_dagster.airbyte.shapes import ODD, listed

EMPTY: Component = {}
LIST = "ListPartitionRouter"
EMPTY_PARTS = re.compile(r"(?P<kept>\{\{.*?\}\}|\{%.*?%\}|\?.*)|(?<!:)/{2,}", re.DOTALL)
"""Empty parts of an address; not in an expression, nor in a query."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """A stream with the parts that the features are read from; a part that is not there is empty.

    Args:
        name: the name of its resource.
        vendor_name: its name in the manifest.
        definition: what the manifest says.
        settings: the settings of the connector.
        version: of airbyte-cdk that the manifest was written for; empty if it does not say.
        siblings: all streams of the manifest by their vendor names.
    """

    name: str
    vendor_name: str
    definition: Component
    settings: Settings
    version: str
    siblings: Mapping[str, "Stream"] = field(default_factory=dict)

    @cached_property
    def retriever(self) -> Component:
        """Reads the rows."""
        found: Component = filled(_part(self.definition, "retriever"))
        return found

    @cached_property
    def requester(self) -> Component:
        """Makes the requests; those that begin a job, if there are jobs."""
        return _part(self.retriever, "requester") or _part(self.retriever, "creation_requester")

    @property
    def paginator(self) -> Component:
        """Finds the next page."""
        return _part(self.retriever, "paginator")

    @property
    def selector(self) -> Component:
        """Finds the rows in a response."""
        return _part(self.retriever, "record_selector")

    @property
    def cursor(self) -> Component:
        """Says which rows are new."""
        return filled(_part(self.definition, "incremental_sync")) or _part(self.retriever, "incremental_sync")

    @property
    def transformations(self) -> Sequence[Component]:
        """Change the rows."""
        return tuple(map(filled, listed(self.definition.get("transformations"), "transformations")))

    def added_values(self, name: str) -> list[str]:
        """Return what transformations put into a field, as it is written."""
        added = [one for change in self.transformations for one in change.get("fields") or ()]
        return [str(one.get("value")) for one in added if one.get("path") == [name]]

    @cached_property
    def routers(self) -> list[Component]:
        """Say what the stream is requested for."""
        router = self.retriever.get("partition_router") or []
        return router if isinstance(router, list) else [router]

    @cached_property
    def lists(self) -> Mapping[str, str]:
        """The lists for whose values the stream is requested: the names in `for_each` by those in the manifest."""
        routers = [one for one in self.routers if one.get("type") == LIST]
        return identifiers(str(one.get("cursor_field")) for one in routers)

    @cached_property
    def parent_config(self) -> Component:
        """How the rows of another stream are used in the requests of this one; empty if it has no parent."""
        routers = [one for one in self.routers if one.get("type") != LIST]
        if len(routers) != 1 or routers[0].get("type") != "SubstreamPartitionRouter":
            return EMPTY
        parents: list[Component] = routers[0].get("parent_stream_configs") or []
        return parents[0] if len(parents) == 1 else EMPTY

    @cached_property
    def parent(self) -> "Stream | None":
        """The stream whose rows this one is requested for."""
        written = self.parent_config.get("stream")
        name = str(written.get("name")) if isinstance(written, Mapping) else ""
        return self.siblings.get(name)

    @property
    def base_url(self) -> str:
        """The address before the path, as it is written."""
        return without_empty_parts(str(self.requester.get("url_base") or self.requester.get("url") or ""))


def without_empty_parts(address: str) -> str:
    """Return an address, or a path, as Airbyte joins them: so that no part in between is empty."""
    return EMPTY_PARTS.sub(lambda found: found["kept"] or "/", address)


def filled(component: Any) -> Any:
    """Return a component with the values of parameters in its texts, and in everything inside it.

    Another stream inside it stays as it is.
    """
    if isinstance(component, list):
        return [filled(item) for item in component]
    if not isinstance(component, Mapping) or not reads_parameters(component):
        return component
    return {
        key: item
        if key in (PARAMETERS, "stream")
        else filled(item)
        if _is_component(item)
        else with_parameters(item, component)
        for key, item in component.items()
    }


def _is_component(item: Any) -> bool:
    items = item if isinstance(item, list) else [item]
    return any(isinstance(one, Mapping) and "type" in one for one in items)


def _part(component: Component, name: str) -> Component:
    found: Any = component.get(name) or EMPTY
    if not isinstance(found, Mapping):
        raise NotNativeError(ODD, f"{name} is no object: {found}")
    return found


def check_decoder(component: Component) -> None:
    """Accept a component that reads JSON, or does not say what it reads.

    Raises:
        NotNativeError: it reads something else.
    """
    if component.get("decoder"):
        only_type(component["decoder"], "JsonDecoder", what="a decoder")


def only_type(component: Component, *kinds: str, what: str) -> str:
    """Return the type of a component.

    Raises:
        NotNativeError: it is none of these types.
    """
    kind = str(component.get("type", ""))
    if kind in kinds:
        return kind
    if "class_name" in component:
        raise NotNativeError("Python of the connector's own", f"{what} {component.get('class_name')}")
    raise NotNativeError(what, kind or "without a type")
