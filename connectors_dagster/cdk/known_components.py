"""The components and fields that airbyte-cdk knows: it refuses others, or reads a stream as if they were not there."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.known_fields import ALWAYS, TOOLKIT, is_newer
from connectors_dagster.airbyte.parameters import PARAMETERS

LIST = "cdk-components.txt"
"""The components of the schema of airbyte-cdk, each with its fields."""
PLACES = frozenset(
    """authenticator backoff_strategies cursor decoder download_decoder download_extractor error_handler error_handlers
    extractor extractors incremental_sync pagination_strategy paginator partition_router partition_routers
    record_expander record_filter record_selector requester response_filters retriever transformations
    underlying_partition_router""".split()
)
"""Fields in which a component stands, so that its type must be known."""
IN_OTHERS = ("schema", "schema_loader", "request_headers", "request_body_json", "request_body_data", PARAMETERS)
"""What is not looked into, because it has no component, or none that rows depend on."""
VERSION = ".".join(map(str, TOOLKIT))


def check_components(definition: Any, version: str) -> None:
    """Check that airbyte-cdk knows the components of a stream and, if its manifest is for a later one, their fields.

    Raises:
        NotNativeError: it does not know one.
    """
    newer = bool(version) and is_newer(version)
    for place, component in _components("", definition):
        kind, known = str(component.get("type")), known_components()
        if place in PLACES and "type" in component and kind not in known:
            raise NotNativeError(f"a component that airbyte-cdk {VERSION} does not know", kind)
        unknown = set(component) - known.get(kind, set(component)) - ALWAYS - set(component.get(PARAMETERS) or ())
        if newer and unknown:
            raise NotNativeError(f"a field that airbyte-cdk {VERSION} does not know", f"{kind}.{min(unknown)}")


@cache
def known_components() -> Mapping[str, frozenset[str]]:
    """Return the fields of components by their types."""
    lines = (files("connectors_dagster.airbyte") / LIST).read_text(encoding="utf-8").splitlines()
    return {kind: frozenset(fields) for kind, *fields in map(str.split, lines)}


def _components(place: str, found: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield all objects in a component, each with the field in which it stands."""
    if isinstance(found, Mapping):
        yield place, found
        for name, item in found.items():
            if name not in IN_OTHERS:
                yield from _components(name, item)
    elif isinstance(found, list):
        for item in found:
            yield from _components(place, item)
