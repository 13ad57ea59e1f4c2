"""The schemas in files beside a manifest, which airbyte-cdk looks for elsewhere, and to which it casts rows."""

from pathlib import Path
from typing import Any

from connectors_dagster.airbyte.columns import IN_FILE, file_of_schema, read_schema
from connectors_dagster.airbyte.errors import NotNativeError


def inline_schema(schema: Any) -> dict[str, Any]:
    """Return the component for a schema that is known."""
    return {"type": "InlineSchemaLoader", "schema": schema}


def casts_rows(retriever: dict[str, Any]) -> bool:
    """Tell whether rows are cast to the types of the schema."""
    selector = retriever.get("record_selector")
    return isinstance(selector, dict) and selector.get("schema_normalization") not in (None, "None")


def with_schemas(component: Any, folder: Path) -> Any:
    """Return a stream, and its parents, with the schemas that are in files.

    Raises:
        NotNativeError: rows are cast to a schema that is not there.
    """
    if isinstance(component, list):
        return [with_schemas(item, folder) for item in component]
    if not isinstance(component, dict):
        return component
    found = {key: with_schemas(item, folder) for key, item in component.items()}
    loader, retriever = found.get("schema_loader"), found.get("retriever")
    if not isinstance(loader, dict) or loader.get("type") != IN_FILE or not isinstance(retriever, dict):
        return found
    file = file_of_schema(folder, str(found.get("name")))
    schema = read_schema(file)
    if schema is None and casts_rows(retriever):
        where = file.relative_to(folder)
        raise NotNativeError("rows that are cast to a schema which is not beside the manifest", where)
    return {**found, "schema_loader": inline_schema(schema or {})}
