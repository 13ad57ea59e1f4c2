"""Build a JSON schema of dlt's REST API configuration from dlt's own types, so that editors complete and check it."""

from collections.abc import Mapping, Sequence
from functools import reduce
from inspect import cleandoc
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pydantic
from dlt.sources.rest_api.typing import RESTAPIConfig
from pydantic.json_schema import GenerateJsonSchema, JsonRef, JsonSchemaValue
from pydantic_core import core_schema

from connectors_dagster.orchestration.docstrings import arguments, summary

JsonSchema = dict[str, Any]
SCALARS: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
SETTING = r"^\{\{ *(setting|secret)\.\w+ *\}\}$"
"""A setting may stand for a number, or for true and false."""
ANYTHING: JsonSchema = {}


class _WithDocstrings(GenerateJsonSchema):
    """Describes the fields of nested dataclasses with their docstrings."""

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        described = super().dataclass_schema(schema)
        described["description"] = summary(schema["cls"])
        for name, text in arguments(schema["cls"]).items():
            described["properties"][name]["description"] = text
        return described

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Let an object, or a plain value, be null."""
        inner = self.generate_inner(schema["schema"])
        return self._joined([inner, {"type": "null"}]) or super().nullable_schema(schema)

    def union_schema(self, schema: core_schema.UnionSchema) -> JsonSchemaValue:
        """Let an object be text instead, such as a template."""
        choices = [choice[0] if isinstance(choice, tuple) else choice for choice in schema["choices"]]
        return self._joined([self.generate_inner(choice) for choice in choices]) or super().union_schema(schema)

    def _joined(self, choices: Sequence[JsonSchemaValue]) -> JsonSchemaValue | None:
        """Join plain types, and at most one object, into one schema, see `_either`; return None for anything else."""
        found = [self.get_schema_from_definitions(JsonRef(c["$ref"])) if "$ref" in c else c for c in choices]
        objects = [schema for schema in found if schema and "properties" in schema]
        plain = [schema for schema in found if schema and set(schema) == {"type"}]
        if len(objects) > 1 or len(plain) + len(objects) != len(found):
            return None
        types = (schema["type"] for schema in (*objects, *plain))
        names = dict.fromkeys(name for type in types for name in ([type] if isinstance(type, str) else type))
        return {**(objects[0] if objects else {}), "type": list(names)}


class Documented(pydantic.BaseModel):
    """A model whose schema also describes the fields of its dataclasses. Unknown fields are refused."""

    model_config = pydantic.ConfigDict(extra="forbid")

    @classmethod
    def model_json_schema(cls, *positional: Any, **options: Any) -> JsonSchema:
        """Return the schema that editors use to complete and check."""
        return super().model_json_schema(*positional, **{"schema_generator": _WithDocstrings, **options})


def rest_api_schema() -> JsonSchema:
    """Return the schema of dlt's REST API configuration."""
    return _schema(RESTAPIConfig) or ANYTHING


def _schema(hint: Any) -> JsonSchema | None:
    """Return the schema of a type, or None if YAML cannot express it, such as a function."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _schema(arguments[0])
    if origin in (Union, UnionType):
        found = [schema for schema in map(_schema, arguments) if schema is not None]
        return reduce(_either, found) if found else None
    if origin is Literal:
        return {"type": ["string"], "enum": list(arguments)}
    if hint in (int, float, bool):
        return {"type": [SCALARS[hint], "string"], "pattern": SETTING}
    if hint in SCALARS:
        return {"type": [SCALARS[hint]]}
    if hasattr(hint, "__required_keys__"):
        return _object(hint)
    return _container(hint if origin is None else origin, arguments)


def _container(kind: Any, arguments: tuple[Any, ...]) -> JsonSchema | None:
    if kind is Any:
        return ANYTHING
    if not isinstance(kind, type) or kind.__module__ not in ("builtins", "collections.abc"):
        return None
    if issubclass(kind, Mapping):
        return {"type": ["object"], "properties": {}, "required": [], "additionalProperties": True}
    if issubclass(kind, list | tuple) or kind.__name__ in ("Sequence", "Iterable"):
        return {"type": ["array"], "items": _schema(arguments[0]) or ANYTHING if arguments else ANYTHING}
    return None


def _object(hint: Any) -> JsonSchema:
    fields = {name: _schema(field) for name, field in get_type_hints(hint).items()}
    doc = vars(hint).get("__doc__")
    return {
        "type": ["object"],
        # A field that accepts only a function or None cannot be written in YAML.
        "properties": {
            name: field for name, field in fields.items() if field is not None and field.get("type") != ["null"]
        },
        "required": sorted(hint.__required_keys__),
        "additionalProperties": False,
        **({"description": cleandoc(doc)} if doc else {}),
    }


def _either(one: JsonSchema, other: JsonSchema) -> JsonSchema:
    """Join two schemas into one that accepts what either accepts.

    Not with ``anyOf``: its errors only say that no alternative matched. Properties, items and pattern each apply to
    one type of value, so one schema can have all of them.
    """
    if not one or not other:
        return ANYTHING
    types = list(dict.fromkeys([*one["type"], *other["type"]]))
    if {*types} <= {"string", "null"}:
        return _either_text(one, other, types)
    one, other = _as_pattern(one), _as_pattern(other)
    joined = {**one, **other, "type": types}
    if "object" in one["type"] and "object" in other["type"]:
        joined |= _either_object(one, other)
    if any("string" in schema["type"] and "pattern" not in schema for schema in (one, other)):
        joined.pop("pattern", None)
    return joined


def _either_text(one: JsonSchema, other: JsonSchema, types: list[str]) -> JsonSchema:
    if any("string" in schema["type"] and "enum" not in schema for schema in (one, other)):
        return {"type": types}
    words = [*one.get("enum", ()), *other.get("enum", ()), *([None] if "null" in types else ())]
    return {"type": types, "enum": list(dict.fromkeys(words))}


def _as_pattern(schema: JsonSchema) -> JsonSchema:
    """Replace an enumeration by a pattern, which restricts text only and no other type."""
    words = [word for word in schema.get("enum", ()) if word]
    rest = {name: value for name, value in schema.items() if name != "enum"}
    return {**rest, "pattern": f"^({'|'.join(words)})$"} if words else schema


def _either_object(one: JsonSchema, other: JsonSchema) -> JsonSchema:
    """Join two object schemas: properties of either are allowed, and required if both require them."""
    mine, others = one["properties"], other["properties"]
    shared = {name: _either(mine[name], others[name]) for name in mine if name in others}
    return {
        "properties": {**mine, **others, **shared},
        "required": sorted({*one["required"]} & {*other["required"]}),
        "additionalProperties": one["additionalProperties"] or other["additionalProperties"],
        "description": "",
    }
