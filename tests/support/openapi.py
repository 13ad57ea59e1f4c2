"""A vendor's machine-readable description of its API, to compare requests and columns with."""

import gc
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from connectors_dagster import Resource
from tests.support.vendor_field import Field

Json = Mapping[str, Any]
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MOST_YAML = 60_000_000
MEMORY_OF_YAML = 23
"""Characters of YAML that are read, and the bytes of memory that each needs."""
SEVERAL = ("allOf", "anyOf", "oneOf")
VERSION = re.compile(r"/(v\d+)\b")
"""The version of an API, as a step of an address."""


@dataclass(frozen=True)
class Description:
    """An OpenAPI 3 document."""

    document: Json

    @classmethod
    def read(cls, path: Path) -> "Description":
        """Read a file of YAML or JSON; JSON with its own reader, which is quicker and needs less memory.

        Raises:
            ValueError: it is not such a file, or YAML of such a size that reading it needs gigabytes.
        """
        text = path.read_text(encoding="utf-8")
        is_json = text.lstrip().startswith("{")
        if not is_json and len(text) > MOST_YAML:
            raise ValueError(
                f"{path}: YAML of {len(text) / 1e6:,.0f} MB would need {len(text) * MEMORY_OF_YAML / 1e9:,.1f} GB of "
                "memory: convert it to JSON, which needs a sixth of that, for example with `yq -o=json`"
            )
        gc.disable()  # it would look again and again at the millions of objects, none of which is garbage
        try:
            found = json.loads(text) if is_json else yaml.load(text, Loader=LOADER)
        except (ValueError, yaml.YAMLError) as error:
            raise ValueError(f"{path}: neither JSON nor YAML: {error}") from None
        finally:
            gc.enable()
        if not isinstance(found, dict) or not {"openapi", "paths"} <= found.keys():
            raise ValueError(f"{path}: not a file of OpenAPI 3, which has `openapi` and `paths`")
        return cls(found)

    @property
    def title(self) -> str:
        """The name of the API and its version."""
        return f"{self.document['info']['title']}, version {self.document['info']['version']}"

    @property
    def versions(self) -> frozenset[str]:
        """The versions in the addresses of the servers, such as `v2`; most files have one or none."""
        urls = [str(server["url"]) for server in self.document.get("servers", ())]
        return frozenset(one for url in urls for one in VERSION.findall(url))

    def names(self, connector: str) -> bool:
        """Return whether the title or a server names the connector."""
        servers = [server["url"] for server in self.document.get("servers", ())]
        return any(connector in text.lower() for text in (self.title, *servers))

    def contradictions(self, resource: Resource, queries: Sequence[Mapping[str, str]]) -> Iterator[str]:
        """Yield what a resource requests or declares that is not described."""
        path = str(resource.endpoint["path"])
        described = self._paths.get(_shape(path))
        if described is None or "get" not in described:
            yield f"path {path} is not described"
            return
        operation = self.resolve(described["get"])
        parameters = [self.resolve(p) for p in (*described.get("parameters", ()), *operation.get("parameters", ()))]
        allowed = {p["name"]: p for p in parameters if p and p.get("in") == "query"}  # some files have empty ones
        sent = {pair for query in queries for pair in query.items()}
        yield from sorted(
            {found for name, value in sent for found in self._undescribed_parameter(name, value, allowed)}
        )
        yield from self._undescribed_columns(resource, operation)

    def fields(self, resource: Resource) -> dict[str, Field] | None:
        """Return the fields of the rows of a resource; None if its path or rows are not described."""
        described = self._paths.get(_shape(str(resource.endpoint["path"])), {})
        schema = self._body(self.resolve(described.get("get", {})))
        row = None if schema is None else self._row(schema, resource)
        return None if row is None else {name: self.field(kind) for name, kind in self.properties(row).items()}

    def field(self, schema: Any) -> Field:
        """Return the types of a field, from all schemas that it combines."""
        schema = self.resolve(schema)
        named = schema.get("type", ())
        types = {named} if isinstance(named, str) else set(named)
        types |= {"date-time"} & {schema.get("format")}
        types |= {"null"} if schema.get("nullable") else set()
        parts = [self.field(part) for word in SEVERAL for part in schema.get(word, ())]
        return Field(frozenset(types.union(*(part.types for part in parts))))

    def resolve(self, node: Any) -> Any:
        """Follow references within the document; fields next to a reference are kept."""
        while isinstance(node, Mapping) and "$ref" in node:
            found: Any = self.document
            for step in str(node["$ref"]).removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            node = {**found, **{key: value for key, value in node.items() if key != "$ref"}}
        return node

    def properties(self, schema: Any) -> dict[str, Any]:
        """Return the properties of an object, from all schemas that it combines."""
        schema = self.resolve(schema)
        parts = [part for word in SEVERAL for part in schema.get(word, ())]
        found = {name: kind for part in parts for name, kind in self.properties(part).items()}
        return {**found, **schema.get("properties", {})}

    def items(self, schema: Any) -> Any:
        """Return the schema of the items of a list; any other schema is returned unchanged."""
        schema = self.resolve(schema)
        parts = [self.resolve(part) for word in SEVERAL for part in schema.get(word, ())]
        return next((self.resolve(part["items"]) for part in (schema, *parts) if "items" in part), schema)

    @cached_property
    def _paths(self) -> Mapping[str, Json]:
        return {_shape(path): self.resolve(item) for path, item in self.document["paths"].items()}

    def _undescribed_parameter(self, name: str, value: str, allowed: Mapping[str, Json]) -> Iterator[str]:
        base, bracket, inner = name.partition("[")
        parameter = allowed.get(name) or allowed.get(base)
        if parameter is None:
            yield f"parameter {name} is not described"
            return
        schema = self.resolve(parameter.get("schema", {}))
        if bracket and name not in allowed:
            deep = self.properties(schema)
            if inner.rstrip("]") not in deep and f"[{inner}" not in parameter.get("description", ""):
                yield f"parameter {base} is described, but not {name}"
            return
        if (most := schema.get("maximum")) is not None and float(value) > most:
            yield f"parameter {name} is at most {most}, not {value}"
        if (known := self.items(schema).get("enum")) and (odd := set(value.split(",")) - {str(one) for one in known}):
            yield f"parameter {name} is one of {known}, not {sorted(odd)}"

    def _undescribed_columns(self, resource: Resource, operation: Json) -> Iterator[str]:
        schema = self._body(operation)
        if schema is None:
            yield "no JSON response is described"
            return
        row = self._row(schema, resource)
        if row is None:
            yield f"nothing is described at {resource.endpoint['data_selector']}"
            return
        known = self.properties(row)
        if known:  # rows that are single values have no properties
            declared = resource.connector.tables.get(resource.name, {})
            yield from (f"column {name} is not described" for name in declared if name not in known)

    def _body(self, operation: Json) -> Any:
        responses = operation.get("responses", {})
        response = self.resolve(responses.get("200") or responses.get(200) or {})
        return next((body["schema"] for kind, body in response.get("content", {}).items() if "json" in kind), None)

    def _row(self, schema: Any, resource: Resource) -> Any:
        if resource.list_of:
            row = self._row(schema, resource.list_of.parent)
            for step in resource.list_of.path:
                row = None if row is None else self.properties(row).get(step)
            return None if row is None else self.items(row)
        for step in re.findall(r"[^.\[\]$]+", str(resource.endpoint.get("data_selector") or "$")):
            schema = self.items(schema) if step == "*" else self.properties(schema).get(step)
            if schema is None:
                return None
        return self.items(schema)


def _shape(path: str) -> str:
    """Return a path without the names of its placeholders."""
    return "/" + re.sub(r"{[^}]*}", "{}", path).strip("/")
