"""The parts of a request as they go out: bounds of a window filled in, and values written as APIs expect them."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit, urlunsplit

from connectors_dagster.spec.for_each import MARK, Each
from connectors_dagster.spec.resource import BOUND, Resource

PARTS = ("path", "headers", "params", "json", "data")
Bounds = Mapping[str, str | int]
"""The bounds of a window as the API writes them, by dlt's names `start_value` and `end_value`."""


def build_parts(resource: Resource, endpoint: Mapping[str, Any], bounds: Bounds) -> dict[str, Any]:
    """Return path, headers, query parameters and body of a resource; the fields of a parent are filled in later.

    Without bounds, the parameters, headers and fields of the body that filter by time are left out.
    """
    parts: dict[str, Any] = {part: endpoint.get(part) for part in PARTS}
    params = dict(parts["params"] or {})
    incremental = resource.incremental or {}
    if bounds:
        named = {incremental.get(f"{name.removesuffix('_value')}_param"): value for name, value in bounds.items()}
        params |= {name: value for name, value in named.items() if name}
    else:
        params = {name: value for name, value in params.items() if name not in resource.filter_params}
        parts |= {part: _without_bounds(parts[part]) for part in ("headers", "json", "data")}
    unescape = resource.parent is None  # dlt does it when it fills in the fields of a parent
    return {part: _filled(value, bounds, unescape) for part, value in (parts | {"params": params}).items()}


def _without_bounds(value: Any) -> Any:
    """Return a value without fields and items that contain a bound, and without objects and lists of nothing else."""
    if isinstance(value, Mapping):
        kept = {key: (item, _without_bounds(item)) for key, item in value.items()}
        return {key: left for key, (item, left) in kept.items() if left not in (None, {}, []) or left == item}
    if isinstance(value, list | tuple):
        found = [(item, _without_bounds(item)) for item in value]
        return [left for item, left in found if left not in (None, {}, []) or left == item]
    return None if isinstance(value, str) and BOUND.search(value) else value


def fill_each(parts: Mapping[str, Any], each: Each, *, keep_slashes: bool = False) -> dict[str, Any]:
    """Return the parts of a request with values instead of their marks; one that is the whole text keeps its type.

    Values are quoted in the path; with `keep_slashes`, their slashes separate parts of it.
    """
    safe = "/" if keep_slashes else ""
    filled = {part: _filled_each(value, each, safe if part == "path" else None) for part, value in parts.items()}
    return filled | {"headers": _as_text(filled.get("headers"))}


def _as_text(headers: Any) -> Any:
    """Return headers whose numbers are text; a bound or a value of a list keeps its type when it is filled in."""
    if not isinstance(headers, Mapping):
        return headers
    return {name: str(value) if type(value) in (int, float) else value for name, value in headers.items()}


def _filled_each(value: Any, each: Each, safe: str | None) -> Any:
    """Fill in values; those in a path are quoted except for what is `safe`."""
    if isinstance(value, Mapping):
        return {key: _filled_each(item, each, safe) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled_each(item, each, safe) for item in value]
    if not isinstance(value, str):
        return value
    if (whole := MARK.fullmatch(value)) and safe is None:
        return each[whole[1]]
    written = {name: str(item) if safe is None else quote(str(item), safe=safe) for name, item in each.items()}
    return MARK.sub(lambda found: written[found[1]], value)


def without_param(url: str, name: str) -> str:
    """Remove a query parameter from a URL; the others stay as they are written."""
    parts = urlsplit(url)
    kept = (param for param in parts.query.split("&") if unquote_plus(param.partition("=")[0]) != name)
    return urlunsplit(parts._replace(query="&".join(kept)))


def build_query(params: Mapping[str, Any], *, join_lists: bool) -> dict[str, Any]:
    """Write query parameters: booleans in lower case, lists repeated or joined by commas, null left out."""
    written = {name: _query_value(value, join_lists=join_lists) for name, value in params.items()}
    return {name: value for name, value in written.items() if value is not None}


def _query_value(value: Any, *, join_lists: bool) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        items = [_query_value(item, join_lists=False) for item in value]
        return ",".join(map(str, items)) if join_lists else items
    return value


def _filled(value: Any, bounds: Bounds, unescape: bool) -> Any:
    """Replace the placeholders of the bounds; one that is the whole text keeps the type of its value."""
    if isinstance(value, Mapping):
        return {key: _filled(item, bounds, unescape) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, bounds, unescape) for item in value]
    if not isinstance(value, str):
        return value
    if (whole := BOUND.fullmatch(value)) and whole[1] in bounds:
        return bounds[whole[1]]
    text = BOUND.sub(lambda found: str(bounds.get(found[1], found[0])), value)
    return _unescaped(text) if unescape else text


def _unescaped(text: str) -> str:
    """Write doubled braces as single ones, as dlt does; text with other braces, such as GraphQL, is unchanged."""
    if "{{" in text or "}}" in text:
        with suppress(KeyError, IndexError, ValueError, AttributeError):
            return text.format()
    return text
