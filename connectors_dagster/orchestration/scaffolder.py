"""Scaffold a connector for `dg scaffold defs connectors_dagster.RestConnector`. It loads without changes."""

import re
from pathlib import Path

import dagster as dg
import pydantic

from connectors_dagster.config.values import environment
from connectors_dagster.orchestration.import_folder import write_component

SCHEMA_FILE = "schema.yaml"
TYPE = "connectors_dagster.RestConnector"
CONNECTOR = """\
type: {type}

attributes:
  name: {name}
  description: One line for people
  config: # dlt's REST API configuration: https://dlthub.com/docs/dlt-ecosystem/verified-sources/rest_api/basic
    client:
      base_url: "{{{{ setting.base_url }}}}" # {environment}__BASE_URL
      auth: {{type: bearer, token: "{{{{ secret.token }}}}"}} # {environment}__TOKEN
    resource_defaults:
      primary_key: id
      write_disposition: merge
    resources:
      - name: items
        endpoint:
          path: /items
          paginator: single_page
"""
SCHEMA = """\
# Declared columns, as dlt exports a schema. Tables not declared here get their columns from the rows.
name: {name}
tables: {{}}
"""


class ManifestParams(pydantic.BaseModel):
    """What the scaffolder of a manifest asks for."""

    manifest: str = pydantic.Field(description="The manifest to copy into the folder.")


class ManifestScaffolder(dg.Scaffolder[ManifestParams]):
    """Copies a manifest of Airbyte, and the schema files beside it, and writes a `defs.yaml` for it."""

    @classmethod
    def get_scaffold_params(cls) -> type[ManifestParams]:
        """Return the parameters."""
        return ManifestParams

    def scaffold(self, request: dg.ScaffoldRequest[ManifestParams]) -> None:
        """Copy and write the files."""
        if request.scaffold_format != "yaml" or request.append:
            raise ValueError("a manifest has a folder of its own: leave out --format and --append")
        folder = request.target_path
        name = re.sub(r"\W+", "_", folder.name.lower()).strip("_")
        write_component(folder, Path(request.params.manifest), {"name": name}, kind=request.type_name)


class RestConnectorScaffolder(dg.Scaffolder):
    """Writes a `defs.yaml` with a connector of one resource, and a file for its columns."""

    def scaffold(self, request: dg.ScaffoldRequest) -> None:
        """Write the files, or add another connector to an existing `defs.yaml`."""
        if request.scaffold_format != "yaml":
            raise ValueError(
                "only YAML can be scaffolded; a Python connector is a file in connectors/, see docs/add-your-api.md"
            )
        folder = request.target_path.parent if request.append else request.target_path
        write_connector(folder, kind=request.type_name, append=request.append)


def write_connector(folder: Path, *, kind: str = TYPE, append: bool = False) -> None:
    """Write a connector with one resource, which loads without changes, and a file for its columns.

    Args:
        folder: of the component, which gives the connector its name.
        kind: the type of the component.
        append: whether the connector is added to an existing `defs.yaml`.
    """
    name = re.sub(r"\W+", "_", folder.name.lower()).strip("_")
    text = CONNECTOR.format(type=kind, name=name, environment=environment(f"sources.{name}"))
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "defs.yaml").open("a" if append else "w", encoding="utf-8") as file:
        file.write(f"---\n{text}" if append else text)
    if not (folder / SCHEMA_FILE).exists():
        (folder / SCHEMA_FILE).write_text(SCHEMA.format(name=name), encoding="utf-8")
