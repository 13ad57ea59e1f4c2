"""A manifest of Airbyte, as a Dagster component: its native streams are assets like those of any other connector."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import dagster as dg
import pydantic

from connectors_dagster.airbyte.manifest import read_manifest
from connectors_dagster.airbyte.translation import translate
from connectors_dagster.orchestration.component import TRANSLATION, RestConnector, component_parts, inside_project
from connectors_dagster.orchestration.json_schema import Documented
from connectors_dagster.orchestration.scaffolder import ManifestScaffolder
from connectors_dagster.orchestration.templates import refuse_templates

MANIFEST = "manifest.yaml"


class _Attributes(Documented):
    """A manifest of Airbyte, whose native streams are loaded."""

    name: str = pydantic.Field(
        "", description="The name of the connector, and of its section of the settings; by default that of the folder."
    )
    manifest: str = pydantic.Field(MANIFEST, description="The manifest: a file beside this one.")
    select: str | tuple[str, ...] | None = pydantic.Field(
        None, description="Names of the streams to load; all by default."
    )
    key_prefix: str | tuple[str, ...] = pydantic.Field((), description="Comes before every asset key.")


ManifestAttributes: type[pydantic.BaseModel] = pydantic.create_model(
    "ManifestAttributes",
    __base__=_Attributes,
    __doc__=_Attributes.__doc__,
    translation=(cast(Any, TRANSLATION), pydantic.Field(None, description="What to change on every asset.")),
)


@dg.scaffold_with(ManifestScaffolder)
@dataclass(frozen=True)
class AirbyteManifest(RestConnector):
    """A manifest of Airbyte: every native stream is an asset, and every one with a cursor is loaded in windows.

    `connectors explain` says which streams are native, and which settings to give.

    Args:
        connector: what the manifest describes.
        select: names of the streams to load; all by default.
        key_prefix: as for `RestConnector`.
        translation: as for `RestConnector`.
    """

    @classmethod
    def get_model_cls(cls) -> type[pydantic.BaseModel]:
        """Return what checks and completes the attributes in YAML."""
        return ManifestAttributes

    @classmethod
    def load(cls, attributes: pydantic.BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Translate the manifest.

        Raises:
            ManifestError: the file is no manifest.
            ValueError: no stream is native.
            YAMLError: a key is written twice in the file.
        """
        given: dict[str, Any] = {name: getattr(attributes, name) for name in ManifestAttributes.model_fields}
        select, prefix, translation = component_parts(given, context)
        refuse_templates(given)
        file = inside_project(given["manifest"], context)
        return cls(_connector(file, given["name"] or Path(context.path).name), select, prefix, translation)


def _connector(file: Path, name: str) -> Any:
    translated = translate(read_manifest(file), name=name)
    if translated.connector is None:
        why = "\n".join(f"  {one.name}: {'; '.join(map(str, one.reasons))}" for one in translated.streams)
        raise ValueError(f"{name}: no stream of the manifest is native:\n{why}")
    return translated.connector
