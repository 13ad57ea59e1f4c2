"""Braces in the body of a request that are none of dlt's placeholders."""

import re
from collections.abc import Mapping
from typing import Any

from connectors_dagster.spec.placeholders import Setting

PLACEHOLDER = re.compile(r"(\{(?:incremental|resources)\.[\w.]+\})")
BODY = ("json", "data")


def escape_braces(resources: Any) -> Any:
    """Return resources whose request bodies may contain braces of their own, such as GraphQL queries.

    dlt reads braces as placeholders unless they are doubled. Text that has doubled braces is left as it is.
    """
    if isinstance(resources, Mapping) and isinstance(resources.get("endpoint"), Mapping):
        endpoint = resources["endpoint"]
        bodies = {part: _escaped(endpoint[part]) for part in BODY if endpoint.get(part)}
        return {**resources, "endpoint": {**endpoint, **bodies}}
    return [escape_braces(item) for item in resources] if isinstance(resources, list) else resources


def _escaped(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(item) for item in value]
    if not isinstance(value, str) or isinstance(value, Setting) or "{{" in value:
        return value
    parts = PLACEHOLDER.split(value)
    return "".join(part if at % 2 else part.replace("{", "{{").replace("}", "}}") for at, part in enumerate(parts))
