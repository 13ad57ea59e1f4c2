"""A list with the children of many parents, which only newer versions of an API have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from connectors_dagster.spec.for_each import marked
from connectors_dagster.spec.response_rule import ResponseRule

if TYPE_CHECKING:
    from connectors_dagster.spec.resource import Resource

IDS = "ids"
"""The name under which the ids of the rows are filled into the request."""


@dataclass(frozen=True, kw_only=True)
class SharedList:
    """A list with the children of many parents, in place of one request per parent.

    Whether the API has it is asked once per read, with a small request. If the API does not have it, there is one
    request per parent. The rows and their keys are the same either way.

    Args:
        path: the path of the list.
        parent_field: the field of a row with the key of its parent, as `include_from_parent` copies it.
        missing: a text in the body of a response with status 404 that says that the API does not have the list.
        ids_param: the query parameter that takes the ids of rows, separated by commas; the list in `has_children_field`
            of the parent row has them. Without it, the whole list is read, of which only the rows are kept whose parent
            was read.
        ids_at_once: the maximum number of ids in a request.
        probe: query parameters that make the request small with which the API is asked.
    """

    path: str
    parent_field: str
    missing: str
    ids_param: str | None = None
    ids_at_once: int = 100
    probe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def absence(self) -> ResponseRule:
        """The response that says that the API does not have the list."""
        return ResponseRule(action="ignore", statuses=frozenset({404}), text=self.missing, meaning="none")

    def resource(self, child: "Resource") -> "Resource":
        """Return the list as a resource without a parent; `{each.ids}` in its request stands for the ids."""
        ids = {self.ids_param: f"{{each.{IDS}}}"} if self.ids_param else {}
        return self._as_resource(child, ids)

    def probed(self, child: "Resource") -> "Resource":
        """Return the resource of the small request with which the API is asked."""
        return self._as_resource(child, self.probe)

    def _as_resource(self, child: "Resource", params: Mapping[str, Any]) -> "Resource":
        endpoint = dict(child.endpoint) | {"path": self.path, "response_actions": []}
        endpoint["params"] = {**(child.endpoint.get("params") or {}), **params}
        definition = {name: part for name, part in child.definition.items() if name != "include_from_parent"}
        return replace(child, definition=definition | {"endpoint": marked(endpoint)}, resolved=[])


def shared_list_problems(child: "Resource") -> Iterator[str]:
    """Describe what does not fit a list that has the children of many parents."""
    shared, options = child.options.shared_list, child.options
    if shared is None:
        return
    if not child.resolved or child.cursor:
        yield "shared_list is set, but the resource is not requested per row of a parent, without a cursor of its own"
    if len(child.included) != 1:
        yield "shared_list needs include_from_parent with one field: parent_field of the list has its value"
    if options.for_each or options.changes_rows or options.key:
        yield "shared_list cannot be used with for_each, key, record_filter or transformations"
    if shared.ids_param and not options.has_children_field:
        yield "ids_param of shared_list needs has_children_field, whose list has the ids"
    if not shared.ids_param and child.windowed:
        yield "shared_list needs ids_param: the parents of a window are not all parents"
    if shared.ids_at_once < 1:
        yield f"ids_at_once of shared_list is {shared.ids_at_once}: it must be at least 1"
