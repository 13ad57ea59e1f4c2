"""Requests for each value of a list, such as a region: `{each.region}` in the request stands for the value."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from connectors_dagster.spec.placeholders import Secret, Setting
from connectors_dagster.spec.suggestion import suggest

if TYPE_CHECKING:
    from connectors_dagster.spec.resource import Resource

WRITTEN = re.compile(r"\{each\.(\w+)\}")
MARK = re.compile(r"‹each\.(\w+)›")
"""What stands for a value after the connector is read: dlt would look for the parameter that the braces name."""
Each = Mapping[str, Any]
"""One value of each list."""


def marked(value: Any) -> Any:
    """Return resources with marks instead of `{each.…}`."""
    if isinstance(value, Mapping):
        return {name: marked(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [marked(item) for item in value]
    return WRITTEN.sub(r"‹each.\1›", value) if isinstance(value, str) and "{each." in value else value


def combinations(lists: Mapping[str, Any]) -> list[Each]:
    """Return every combination of the values of the lists; one without values if there are no lists."""
    return [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]


def describe(each: Each) -> str:
    """Name the values, for labels: `` for region eu``; null is not named."""
    named = ", ".join(f"{name} {value}" for name, value in each.items() if value is not None)
    return f" for {named}" if named else ""


def for_each_problems(resource: "Resource") -> Iterator[str]:
    """Describe lists that are not lists, and names in the request or in the options that do not fit each other."""
    lists, included = resource.options.for_each, resource.options.include_each
    used = resource.each_used
    for name, values in lists.items():
        if isinstance(values, Secret) or not isinstance(values, list | tuple | Setting):
            yield f"for_each.{name} is {values!r}: it must be a list, or a setting of the type list"
        elif isinstance(values, Setting) and values.type is not list:
            yield f"for_each.{name} is the setting {values}, which is not declared as a list"
        elif not isinstance(values, Setting) and (not values or len(set(map(str, values))) < len(values)):
            yield f"for_each.{name} has no values, or one twice: nothing would be requested, or the same rows twice"
        if isinstance(values, list | tuple) and None in values and not _left_out(resource, name):
            yield f"for_each.{name} has null, which can only be the whole value of query parameters"
        if name not in used:
            yield f"for_each.{name} is not used: write {{each.{name}}} where the request has the value"
    for name in (*sorted(used), *included):
        if name not in lists:
            yield f"{{each.{name}}} is used or included, but for_each does not list it; {suggest(name, lists)}"


def _left_out(resource: "Resource", name: str) -> bool:
    """Return whether a value is used as the whole value of query parameters only."""
    params = resource.endpoint.get("params") or {}
    whole = {param for param, value in params.items() if value == f"‹each.{name}›"}
    others = {param: value for param, value in params.items() if param not in whole}
    rest = [others, *(resource.endpoint.get(part) for part in ("path", "headers", "json", "data"))]
    return bool(whole) and f"‹each.{name}›" not in str(rest)
