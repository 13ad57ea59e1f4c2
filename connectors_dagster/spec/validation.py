"""Checks that a connector does not contradict itself; the errors say what to change."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dlt.sources.rest_api.typing import RESTAPIConfig

from connectors_dagster.compat.dlt_internals import validate_dict

if TYPE_CHECKING:
    from connectors_dagster.spec.connector import Connector
    from connectors_dagster.spec.resource import Resource

NAME = r"[a-z][a-z0-9_]*"


def check_connector(connector: "Connector") -> None:
    """Check a connector as a whole, then each of its resources.

    Raises:
        ValueError: the message names the connector or resource and what to change.
        DictValidationException: `config` is not a dlt REST configuration.
    """
    validate_dict(RESTAPIConfig, connector.config, path=connector.name)
    for name in (connector.name, *connector.graph):
        if not re.fullmatch(NAME, name):
            raise ValueError(f"{connector.name}: name {name!r} must be lower-case letters, digits, underscores")
    for problem in _connector_problems(connector):
        raise ValueError(f"{connector.name}: {problem}")
    for resource in connector.graph.values():
        for problem in _resource_problems(resource):
            raise ValueError(f"{resource}: {problem}")


def _connector_problems(connector: "Connector") -> Iterator[str]:
    graph = connector.graph
    if unknown := sorted(set(connector.resources) - set(graph)):
        yield f"resources has options for {unknown}, which config does not define; config defines {', '.join(graph)}"
    if both := sorted(set(connector.excluded) & set(graph)):
        yield f"{both} are in config and also in excluded: remove them from one of the two"


def _resource_problems(resource: "Resource") -> Iterator[str]:
    options = resource.options
    if bool(resource.incremental) != bool(options.cursor):
        yield "a cursor needs both an 'incremental' in the endpoint and a 'cursor' in resources"
    if options.has_children_field and not resource.parent:
        yield "has_children_field is a field of the parent row, but the resource has no parent"
    if options.separate_children and not resource.children:
        yield "separate_children is set, but no resource is requested per row of this one"
    if "processing_steps" in resource.definition:
        yield "processing_steps are not supported: rows are loaded as the API returns them"
    if resource.parent and not resource.included:
        yield "include_from_parent must name the parent's key: each row must say which parent it belongs to"
    if resource.windowed and not resource.parent and resource.missing_rows != "keep":
        yield "missing_rows must be 'keep': a window does not show which rows the API no longer returns"
    if unread := set(resource.incremental or ()) - {"cursor_path", "start_param", "end_param"}:
        yield f"{sorted(unread)} of 'incremental' are not supported: set the options of the cursor in resources"
    if other := resource.bounds - {"start_value", "end_value"}:
        yield f"{sorted(other)} of 'incremental' are unknown placeholders: use start_value and end_value"
    if resource.cursor and resource.cursor.unfiltered_first and not resource.filtered:
        yield "unfiltered_first is set, but the endpoint has no filter that could be omitted"
    if not resource.primary_key:
        yield "primary_key is missing: it is how duplicates are merged"
