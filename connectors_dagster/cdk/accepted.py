"""What airbyte-cdk accepts of a stream: it refuses some things when it reads, and takes others for plain text."""

from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled

STATE = "stream_state"
PLACES = ("field_name", "field_path")


def accepted(component: Any) -> Any:
    """Return a stream, and its parents, without what airbyte-cdk refuses although no row depends on it.

    That is a key inside of objects, and the gap between two steps where there is only one step.

    Raises:
        NotNativeError: an expression cannot be read: as a condition, it may end each list; or it is over the state,
            which manifests could read once; or a value has two places in a request.
    """
    if isinstance(component, str):
        _check_text(component)
    if isinstance(component, list):
        return [accepted(item) for item in component]
    if not isinstance(component, dict):
        return component
    if all(component.get(name) for name in PLACES):
        raise NotNativeError(f"{' and '.join(PLACES)} in one request option", [component[name] for name in PLACES])
    kept = {name: item if name == "schema_loader" else accepted(item) for name, item in component.items()}
    if kept.get("type") == "DatetimeBasedCursor" and not kept.get("step"):
        kept.pop("cursor_granularity", None)
    key = kept.get("primary_key") if "retriever" in kept else None
    if isinstance(key, list) and any(isinstance(path, list) and len(path) != 1 for path in key):
        kept.pop("primary_key")
    return kept


def _check_text(text: str) -> None:
    if ("{{" in text or "{%" in text) and STATE in compiled(text).names:
        raise NotNativeError("an expression over stream_state, which airbyte-cdk no longer knows", text)
