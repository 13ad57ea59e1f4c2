"""A connector written in YAML, as a Dagster component: the same value as in Python, and the same definitions."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from inspect import getdoc
from typing import Annotated, Any, Self, get_type_hints

import dagster as dg
import pydantic

from connectors_dagster.compat.dagster_internals import source_relative_path
from connectors_dagster.config import settings
from connectors_dagster.orchestration.build import build_definitions
from connectors_dagster.orchestration.json_schema import rest_api_schema
from connectors_dagster.orchestration.scaffolder import SCHEMA_FILE, RestConnectorScaffolder
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.placeholders import Secret, Setting

PLACEHOLDER = re.compile(r"\{\{\s*(setting|secret)\.(\w+)\s*\}\}")
PART = re.compile(r"\{\{\s*(setting|secret)\b")
KINDS: Mapping[str, type[Setting]] = {"setting": Setting, "secret": Secret}
NO_SECRETS = ("type", "name", "location", "access_token_url", "access_token_request_data", "default_token_expiration")
ARGUMENT = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


@dg.scaffold_with(RestConnectorScaffolder)
@dataclass(frozen=True)
class RestConnector(dg.Component):
    """A REST API: every resource is an asset, and every one with a time cursor is loaded in windows.

    `config` is dlt's REST API configuration. In it, `"{{ setting.base_url }}"` and `"{{ secret.api_key }}"` stand
    for values that are read at run time from the settings, section `sources.<name>`.
    """

    connector: Connector

    @classmethod
    def get_model_cls(cls) -> type[pydantic.BaseModel]:
        """Return what checks and completes the attributes in YAML."""
        return Attributes

    @classmethod
    def load(cls, attributes: pydantic.BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Make the connector that the attributes describe.

        Raises:
            ValueError: the connector contradicts itself, or a secret is written into the file.
        """
        given = {name: getattr(attributes, name) for name in Attributes.model_fields}
        schema = source_relative_path(context, given.pop("schema_file"))
        connector = Connector(**{**given, "schema": schema, "config": _filled(given["config"], context)})
        if written := next(_written_secrets(connector.config), None):
            raise ValueError(
                f'{connector.name}: {written} of auth is written out: write "{{{{ secret.{written} }}}}" and give '
                f"the value as {settings.environment_name(connector.name, written)}"
            )
        return cls(connector)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002  # Dagster's signature
        """Build the definitions of the connector, or none if configuration has it turned off."""
        return build_definitions(self.connector) if settings.is_enabled(self.connector) else dg.Definitions()


def _filled(value: Any, context: dg.ComponentLoadContext) -> Any:
    """Put settings in the place of placeholders; other templates are Dagster's, and plain text stays as it is."""
    if isinstance(value, dict):
        return {key: _filled(item, context) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, context) for item in value]
    if isinstance(value, str) and (found := PLACEHOLDER.fullmatch(value)):
        return KINDS[found[1]](found[2])
    if isinstance(value, str) and PART.search(value):
        raise ValueError(f"{value!r}: a setting stands for a whole value; give all of it as one setting")
    if isinstance(value, str) and "{{" in value:
        return context.resolution_context.resolve_value(value)
    return value


def _written_secrets(value: Any, *, auth: bool = False) -> Iterator[str]:
    """Name the fields of any `auth` whose value is not read at run time."""
    if isinstance(value, list):
        for item in value:
            yield from _written_secrets(item)
    if isinstance(value, Mapping):
        for key, item in value.items():
            if auth and item and key not in NO_SECRETS and not isinstance(item, Setting):
                yield key
            yield from _written_secrets(item, auth=key == "auth")


def _attributes() -> type[pydantic.BaseModel]:
    """Take the fields of `Connector`, with their types, defaults and descriptions."""
    types = get_type_hints(Connector)
    types["config"] = Annotated[dict[str, Any], pydantic.WithJsonSchema(rest_api_schema())]
    said = {name: " ".join(text.split()) for name, text in ARGUMENT.findall(str(getdoc(Connector)))}
    model: dict[str, Any] = {
        field.name: (types[field.name], pydantic.Field(description=said.get(field.name), **_default(field)))
        for field in fields(Connector)
    }
    model.pop("schema")
    model["schema_file"] = (str, pydantic.Field(SCHEMA_FILE, description="Declared columns: a file beside this one."))
    config = pydantic.ConfigDict(extra="forbid")
    return pydantic.create_model("RestConnectorAttributes", __config__=config, __doc__=RestConnector.__doc__, **model)


def _default(field: Field[Any]) -> dict[str, Any]:
    if field.default is not MISSING:
        return {"default": field.default}
    return {} if field.default_factory is MISSING else {"default_factory": field.default_factory}


Attributes = _attributes()
