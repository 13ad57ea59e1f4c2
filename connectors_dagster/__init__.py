"""Declarative REST connectors as partitioned Dagster assets, loaded by dlt.

These names are public; everything below them may change from one release to the next.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors_dagster.connectors import load_connectors
    from connectors_dagster.orchestration.asset_keys import Api
    from connectors_dagster.orchestration.asset_specs import Translation
    from connectors_dagster.orchestration.build import build_definitions
    from connectors_dagster.orchestration.component import RestConnector
    from connectors_dagster.orchestration.manifest_component import AirbyteManifest
    from connectors_dagster.spec.authentication import AuthChoice, SessionToken
    from connectors_dagster.spec.computed import Computed
    from connectors_dagster.spec.connector import Connector
    from connectors_dagster.spec.next_page import NextPage
    from connectors_dagster.spec.options import Cursor, ResourceOptions, Retry
    from connectors_dagster.spec.placeholders import Secret, Setting, Text
    from connectors_dagster.spec.resource import Resource
    from connectors_dagster.spec.response_rule import ResponseRule
    from connectors_dagster.spec.shared_list import SharedList
    from connectors_dagster.spec.timestamps import TimestampFormat
    from connectors_dagster.spec.transformations import Transformation, TypedValue

__all__ = [
    "AirbyteManifest",
    "Api",
    "AuthChoice",
    "Computed",
    "Connector",
    "Cursor",
    "NextPage",
    "Resource",
    "ResourceOptions",
    "ResponseRule",
    "RestConnector",
    "Retry",
    "Secret",
    "SessionToken",
    "Setting",
    "SharedList",
    "Text",
    "TimestampFormat",
    "Transformation",
    "Translation",
    "TypedValue",
    "build_definitions",
    "load_connectors",
]

_MODULES = {
    "AirbyteManifest": "orchestration.manifest_component",
    "Api": "orchestration.asset_keys",
    "AuthChoice": "spec.authentication",
    "Computed": "spec.computed",
    "Connector": "spec.connector",
    "Cursor": "spec.options",
    "NextPage": "spec.next_page",
    "Resource": "spec.resource",
    "ResourceOptions": "spec.options",
    "ResponseRule": "spec.response_rule",
    "RestConnector": "orchestration.component",
    "Retry": "spec.options",
    "Secret": "spec.placeholders",
    "SessionToken": "spec.authentication",
    "Setting": "spec.placeholders",
    "SharedList": "spec.shared_list",
    "Text": "spec.placeholders",
    "TimestampFormat": "spec.timestamps",
    "Transformation": "spec.transformations",
    "Translation": "orchestration.asset_specs",
    "TypedValue": "spec.transformations",
    "build_definitions": "orchestration.build",
    "load_connectors": "connectors",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is used, so that connectors can be written without importing Dagster."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names, among which `dg` finds the component."""
    return [*globals(), *__all__]
