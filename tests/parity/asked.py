"""A request that the made-up API received."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PARTS = {"request_parameter": "query", "header": "headers", "body_json": "body", "body_data": "body"}


@dataclass(kw_only=True)
class Asked:
    """A request, and what became of it.

    Args:
        method: the HTTP method.
        target: path and query.
        headers: by name in lower case.
        raw: the body.
        stream: the stream that it is for, once that is known.
        bounds: the times by which it filters.
        rows: how many rows the response has.
        status: of the response.
        known: the request as it is compared: without page, size and bounds.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    raw: str = ""
    stream: str = ""
    bounds: dict[str, Any] = field(default_factory=dict)
    rows: int = 0
    status: int = 200
    known: Any = None

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, Any]:
        """The query; a parameter that is there several times is a list."""
        return _grouped(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @cached_property
    def body(self) -> Any:
        """The body: JSON, a form, or nothing."""
        if not self.raw:
            return {}
        if "form" in self.headers.get("content-type", ""):
            return _grouped(parse_qsl(self.raw, keep_blank_values=True))
        try:
            return json.loads(self.raw)
        except ValueError:
            return {"": self.raw}

    def at(self, option: Mapping[str, Any] | None) -> Any:
        """Return the value where a `RequestOption` puts it; None if it is not there."""
        if not option or "inject_into" not in option:
            return None
        found: Any = getattr(self, PARTS.get(str(option["inject_into"]), "query"))
        for key in option.get("field_path") or [option.get("field_name")]:
            key = str(key).lower() if found is self.headers else str(key)
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    @cached_property
    def texts(self) -> list[str]:
        """All values in the path, query and body, as text; some APIs have a path as the name of a parameter."""
        return [*self.path.split("/"), *self.query, *_leaves(self.query), *_leaves(self.body)]


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        before = found.get(name)
        found[name] = value if before is None else [*(before if isinstance(before, list) else [before]), value]
    return found


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(item)
    elif value is not None:
        yield str(value)
