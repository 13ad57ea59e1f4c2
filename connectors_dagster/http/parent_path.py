"""The path of the requests for one row of a parent."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors_dagster.compat.dlt_internals import expand_placeholders, find_values
from connectors_dagster.errors import RowError
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.resource import Resource

_KINDS = {dict: "an object", list: "a list", bool: "a boolean"}


def parent_path(resource: Resource, path: str, parent: Mapping[str, Any], place: str) -> str:
    """Return the path for a row of the parent, without placeholders.

    Args:
        resource: the child.
        path: with placeholders for fields of the parent.
        parent: the row.
        place: where the row is, for messages.

    Raises:
        RowError: a field of the parent cannot be used in a path.
    """
    found = {param.param_name: find_values(param.field_path, parent) for param in resource.resolved}
    fields = {param.param_name: param.resolve_config["field"] for param in resource.resolved}
    written = {name: _quoted(resource, fields[name], values[0], place) for name, values in found.items() if values}
    filled: str = expand_placeholders(path, written) if len(written) == len(found) else path  # else dlt says it
    return filled.replace("{", "{{").replace("}", "}}") if filled is not path else path


def _quoted(resource: Resource, name: str, value: Any, place: str) -> str:
    """Quote a field of a parent: slashes and dots in it must not lead to another endpoint."""
    if isinstance(value, dict | list | bool):
        raise RowError(
            f"{resource}: {place} has {excerpt(str(value), 80)} as {name!r}, which is "
            f"{_KINDS[type(value)]} and cannot be used in a URL path: use a field that is text or a number"
        )
    keeps_slashes = resource.options.keep_slashes
    parts = str(value).split("/") if keeps_slashes else [str(value)]
    if value is None or {"", ".", ".."} & set(parts):
        raise RowError(f"{resource}: {place} has {value!r} as {name!r}, which cannot be used in a URL path")
    return quote(str(value), safe="/" if keeps_slashes else "")
