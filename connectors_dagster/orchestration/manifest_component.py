"""A manifest of Airbyte, as a Dagster component: its streams are assets like those of any other connector."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Self, cast

import dagster as dg
import pydantic

from connectors_dagster.airbyte.manifest import read_manifest
from connectors_dagster.airbyte.names import identifier
from connectors_dagster.airbyte.overrides import Overrides
from connectors_dagster.cdk.translation import EngineOption, translate_with
from connectors_dagster.config.workdir import work_folder
from connectors_dagster.files.kept_value import kept_value
from connectors_dagster.orchestration.component import TRANSLATION, RestConnector, component_parts, inside_project
from connectors_dagster.orchestration.import_folder import MANIFEST
from connectors_dagster.orchestration.json_schema import Documented
from connectors_dagster.orchestration.paused_collector import paused_collector
from connectors_dagster.orchestration.scaffolder import ManifestScaffolder
from connectors_dagster.orchestration.templates import refuse_templates
from connectors_dagster.spec.connector import Connector

OVERRIDES = ("keys", "cursors", "start_date", "step")


class _Attributes(Documented):
    """A manifest of Airbyte, whose streams are loaded."""

    name: str = pydantic.Field(
        "", description="The name of the connector, and of its section of the settings; by default that of the folder."
    )
    manifest: str = pydantic.Field(MANIFEST, description="The manifest: a file beside this one.")
    select: str | tuple[str, ...] | None = pydantic.Field(
        None, description="Names of the streams to load; all by default."
    )
    engine: EngineOption = pydantic.Field(
        "native",
        description="Which streams are read: native ones only, with auto also the others by airbyte-cdk, which is "
        "installed into an environment of its own, or with airbyte all by airbyte-cdk.",
    )
    trust_python: bool = pydantic.Field(
        False, description="Whether airbyte-cdk may run the Python beside the manifest, components.py."
    )
    start_date: str | None = pydantic.Field(
        None, description="Start of the first window, an ISO 8601 date; the setting START_DATE overrides it."
    )
    step: str | None = pydantic.Field(
        None, description="Length of a window, an ISO 8601 duration; the setting STEP overrides it."
    )
    keys: dict[str, str | list[str]] = pydantic.Field(
        {}, description="The fields of the primary key by stream, instead of those in the manifest."
    )
    cursors: dict[str, str | None] = pydantic.Field(
        {}, description="The field of the cursor by stream, instead of that in the manifest; null to read all rows."
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
    """A manifest of Airbyte: every stream is an asset, and every one with a cursor is loaded in windows.

    `connectors explain` says which streams are native or can be read by airbyte-cdk, and which settings to give.

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
    @paused_collector()
    def load(cls, attributes: pydantic.BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Translate the manifest.

        Raises:
            ManifestError: the file is no manifest.
            ValueError: no stream can be read, or a key or cursor is for no stream.
            YAMLError: a key is written twice in the file.
        """
        attributes = attributes or ManifestAttributes()  # empty ones come as None
        given: dict[str, Any] = {name: getattr(attributes, name) for name in ManifestAttributes.model_fields}
        select, prefix, translation = component_parts(given, context)
        refuse_templates(given)
        file = inside_project(given["manifest"], context)
        name = given["name"] or Path(context.path).name
        return cls(_connector(file, given, name), select, prefix, translation)


@paused_collector()
def load_manifest(file: Path, **attributes: Any) -> Connector:
    """Translate a manifest that stands alone, or for the component that has these attributes.

    Raises:
        ManifestError: the file is no manifest.
        ValueError: no stream can be read.
    """
    given = ManifestAttributes(**attributes).model_dump()
    return _connector(file, given, given["name"])


def _connector(file: Path, given: Mapping[str, Any], name: str = "") -> Connector:
    """Translate a manifest, once and not in every process that loads the definitions."""
    options = {one: given[one] for one in ("engine", "trust_python", *OVERRIDES)}
    kept = work_folder() / "manifests" / sha256(f"{file.resolve()} {name}".encode()).hexdigest()
    return kept_value(kept, lambda: f"{options} {_contents(file)}", lambda: _translated(file, options, name))


def _contents(file: Path) -> Mapping[str, bytes]:
    """Return what a manifest consists of: the file, and those beside it that it may name."""
    beside = [*file.parent.glob("schemas/**/*.json"), *file.parent.glob("*.py")]
    return {str(one): one.read_bytes() for one in (file, *sorted(beside)) if one.is_file()}


def _translated(file: Path, options: Mapping[str, Any], name: str) -> Connector:
    manifest = read_manifest(file)
    overrides = Overrides(**{one: options[one] for one in OVERRIDES})
    engine, trust_python = options["engine"], options["trust_python"]
    name = name or identifier(manifest.name)
    translated = translate_with(overrides.apply(manifest), name=name, engine=engine, trust_python=trust_python)
    if translated.connector is None:
        why = "\n".join(f"  {one.name}: {'; '.join(map(str, one.reasons))}" for one in translated.streams)
        what = "is native" if engine == "native" else "can be read"
        raise ValueError(f"{name}: no stream of the manifest {what}:\n{why}")
    return translated.connector
