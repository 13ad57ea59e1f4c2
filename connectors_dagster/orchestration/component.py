"""A connector written in YAML, as a Dagster component: the same value as in Python, and the same definitions."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, fields, is_dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Self, get_type_hints

import dagster as dg
import pydantic
import yaml

from connectors_dagster.compat.dagster_internals import project_folders, source_relative_path, translated_spec
from connectors_dagster.config import settings
from connectors_dagster.config.shops import each_shop
from connectors_dagster.orchestration.asset_keys import Api
from connectors_dagster.orchestration.asset_specs import Translation, describe_asset
from connectors_dagster.orchestration.build import definitions_of
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.docstrings import arguments, summary
from connectors_dagster.orchestration.json_schema import Documented, rest_api_schema
from connectors_dagster.orchestration.scaffolder import SCHEMA_FILE, RestConnectorScaffolder
from connectors_dagster.orchestration.setting_model import SettingModel, check_used, placeholder, text_of
from connectors_dagster.orchestration.templates import check_templates, refuse_templates
from connectors_dagster.spec.computed import Computed
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.options import ResourceOptions
from connectors_dagster.spec.placeholders import Secret, Setting, find_placeholders
from connectors_dagster.spec.resource import Resource
from connectors_dagster.spec.response_rule import ResponseRule
from connectors_dagster.spec.schema_file import StrictLoader

PLACEHOLDER = re.compile(r"\{\{\s*(setting|secret)\.(\w+)\s*\}\}")
READS, EXPRESSION = re.compile(r"\b(setting|secret)\.(\w+)"), re.compile(r"\{\{.*?\}\}", re.DOTALL)
NO_EXPRESSIONS: Mapping[str, Any] = {
    "record_filter": None,
    "transformations": (),
    "filter_after_transformations": False,
    "next_page": None,
}
WITH_SETTINGS = ("auth_choice", "session_token")
"""Options of connectors and resources that may have settings."""
TRANSLATION = str | dg.AssetAttributesModel | None
KINDS: Mapping[str, type[Setting]] = {"setting": Setting, "secret": Secret}


@dg.scaffold_with(RestConnectorScaffolder)
@dataclass(frozen=True)
class RestConnector(dg.Component):
    """A REST API: every resource is an asset, and every one with a time cursor is loaded in windows.

    `config` is dlt's REST API configuration. In it, `"{{ setting.base_url }}"` and `"{{ secret.api_key }}"` stand
    for values that are read at run time from the settings, section `sources.<name>`. They may also stand inside of a
    text. `settings` declares their types and defaults.

    Args:
        connector: what the attributes describe.
        select: names of the resources to load; all by default. The setting `SOURCES__<CONNECTOR>__RESOURCES`
            overrides it. The parent of a selected resource need not be selected: it is read for its keys only.
        key_prefix: comes before every asset key, and before the names of ops, job, schedule and sensor.
        translation: what to change on the asset of every resource and of the API: key, group, owners, tags …
            In templates, `resource` is the `Resource` or `Api`, and `spec` the asset as it would be.
    """

    connector: Connector
    select: str | tuple[str, ...] | None = None
    key_prefix: str | tuple[str, ...] = ()
    translation: Translation | None = None

    @classmethod
    def get_model_cls(cls) -> type[pydantic.BaseModel]:
        """Return what checks and completes the attributes in YAML."""
        return _attributes()

    @classmethod
    def load(cls, attributes: pydantic.BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Make the connector that the attributes describe.

        Raises:
            ValueError: the connector contradicts itself, or a secret is written into the file.
            YAMLError: a key is written twice in the file.
        """
        given = {name: getattr(attributes, name) for name in _attributes().model_fields}
        select, prefix, translation = component_parts(given, context)
        schema = inside_project(given.pop("schema_file"), context)
        declared: dict[str, SettingModel] = given.pop("settings")
        others = ("config", "resources", "responses", *WITH_SETTINGS)
        plain = {name: value for name, value in given.items() if name not in others}
        given["resources"] = {name: _with_settings(one, declared) for name, one in given["resources"].items()}
        refuse_templates(
            [plain, _without_conditions(given["responses"]), {name: one.model_dump() for name, one in declared.items()}]
        )
        config = _filled(given["config"], declared)
        given |= {name: _filled(given[name], declared) for name in WITH_SETTINGS}
        with_settings = [config, given["resources"], [given[name] for name in WITH_SETTINGS]]
        check_used(declared, find_placeholders(with_settings), given["name"])
        connector = Connector(**{**given, "schema": schema, "config": config})
        return cls(connector, select, prefix, translation)

    def get_asset_spec(self, asset: Resource | Api) -> dg.AssetSpec:
        """Describe a resource, or the API, as an asset; a subclass may override this.

        Dependencies, checks, schedule and command line follow a changed key. `translation` and `key_prefix` are
        applied afterwards.
        """
        return describe_asset(asset)

    @cached_property
    def shops(self) -> tuple[ConnectorAssets, ...]:
        """The assets of the connector, or of each of its shops, translated and with their prefix."""
        return tuple(
            ConnectorAssets(connector=shop, select=self.select, key_prefix=self.key_prefix, describe=self._translated)
            for shop in each_shop(self.connector)
        )

    def _translated(self, asset: Resource | Api) -> dg.AssetSpec:
        spec = self.get_asset_spec(asset)
        return self.translation(spec, asset) if self.translation else spec

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002  # Dagster's signature
        """Build the definitions of the connector, or none if configuration has it turned off."""
        enabled = [assets for assets in self.shops if settings.is_enabled(assets.connector)]
        return definitions_of(enabled) if enabled else dg.Definitions()


def component_parts(
    given: dict[str, Any], context: dg.ComponentLoadContext
) -> tuple[str | tuple[str, ...] | None, tuple[str, ...], Translation | None]:
    """Take what a component has beside its connector out of the attributes: select, key_prefix and translation.

    Raises:
        ValueError: one of them has a template that it must not have.
        YAMLError: a key is written twice in the file.
    """
    refuse_repeated_keys(context)
    select, prefix = given.pop("select"), given.pop("key_prefix")
    refuse_templates([select, prefix])
    return select, (prefix,) if isinstance(prefix, str) else prefix, _translation(given.pop("translation"), context)


def refuse_repeated_keys(context: dg.ComponentLoadContext) -> None:
    """Refuse a file in which a key is written twice: Dagster would keep the last.

    Raises:
        YAMLError: names the key and its line.
    """
    file = source_relative_path(context, "defs.yaml")
    if file.exists():
        for _ in yaml.load_all(file.read_text(encoding="utf-8"), Loader=StrictLoader):  # a safe one
            continue


def _translation(written: Any, context: dg.ComponentLoadContext) -> Translation | None:
    if written is None:
        return None
    check_templates(written.model_dump() if isinstance(written, pydantic.BaseModel) else written)
    return lambda spec, asset: translated_spec(
        context, written, spec, resource=asset, connector=asset.connector, spec=spec
    )


def inside_project(written: str, context: dg.ComponentLoadContext) -> Path:
    """Return the path of a file that an attribute names.

    Raises:
        ValueError: it is outside of the project, or a template.
    """
    refuse_templates(written)
    path, folders = source_relative_path(context, written).resolve(), project_folders(context)
    if not any(path.is_relative_to(folder.resolve()) for folder in folders):
        raise ValueError(f"{written!r} is outside of the project {folders[0]}: move the file into it")
    return path


def _with_settings(options: ResourceOptions, declared: Mapping[str, SettingModel]) -> ResourceOptions:
    """Put settings in the address and the lists of a resource; expressions over rows stay; the rest is no template."""
    others: dict[str, Any] = {
        "base_url": None,
        "for_each": {},
        "responses": (),
        **dict.fromkeys(WITH_SETTINGS),
        **NO_EXPRESSIONS,
    }
    refuse_templates([asdict(replace(options, **others)), _without_conditions(options.responses)])
    names = ("base_url", "for_each", *WITH_SETTINGS)
    return replace(options, **{name: _filled(getattr(options, name), declared) for name in names})


def _without_conditions(rules: Iterable[ResponseRule] | None) -> list[Any]:
    return [{**asdict(rule), "condition": ""} for rule in rules or ()]


def _filled(value: Any, declared: Mapping[str, SettingModel]) -> Any:
    """Put settings in the place of placeholders; nothing else is a template."""
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _filled(getattr(value, one.name), declared) for one in fields(value)})
    if isinstance(value, dict):
        refuse_templates(list(value))
        return {key: _filled(item, declared) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, declared) for item in value]
    if isinstance(value, str) and READS.search(value):
        return _text(value, declared)
    refuse_templates(value)
    return value


def _text(written: str, declared: Mapping[str, SettingModel]) -> str:
    """Return a setting, a value that is computed from settings, or a text with such in it."""
    parts: list[str] = []
    end = 0
    for found in EXPRESSION.finditer(written):
        parts += (written[end : found.start()], _expression(found[0], declared, whole=found[0] == written))
        end = found.end()
    parts.append(written[end:])
    refuse_templates([part for part in parts if not isinstance(part, Setting)])
    return text_of(parts)


def _expression(written: str, declared: Mapping[str, SettingModel], *, whole: bool) -> str:
    """Return a setting, or what is computed from some; in a text, a value that is missing is empty."""
    if found := PLACEHOLDER.fullmatch(written):
        return placeholder(KINDS[found[1]], found[2], declared)
    scope: dict[str, dict[str, Setting]] = {kind: {} for kind in KINDS}
    for kind, name in READS.findall(written):
        scope[kind][name] = placeholder(KINDS[kind], name, declared)
    return Computed(written, scope, kind="value" if whole else "text") if any(scope.values()) else written


@cache
def _attributes() -> type[pydantic.BaseModel]:
    """Take the fields of `Connector` and of the component, with their types, defaults and descriptions."""
    types = {**get_type_hints(Connector), **get_type_hints(RestConnector), "translation": TRANSLATION}
    types["config"] = Annotated[dict[str, Any], pydantic.WithJsonSchema(rest_api_schema())]
    said = {**arguments(Connector), **arguments(RestConnector)}
    model: dict[str, Any] = {
        field.name: (types[field.name], pydantic.Field(description=said.get(field.name), **_default(field)))
        for field in (*fields(Connector), *fields(RestConnector))
        if field.name not in ("connector", "schema", "programs")
    }
    model["schema_file"] = (str, pydantic.Field(SCHEMA_FILE, description="Declared columns: a file beside this one."))
    model["settings"] = (
        dict[str, SettingModel],
        pydantic.Field(default_factory=dict, description="Types, defaults and descriptions of the settings in config."),
    )
    return pydantic.create_model(
        "RestConnectorAttributes", __base__=Documented, __doc__=summary(RestConnector), **model
    )


def _default(field: Field[Any]) -> dict[str, Any]:
    if field.default is not MISSING:
        return {"default": field.default}
    return {} if field.default_factory is MISSING else {"default_factory": field.default_factory}
