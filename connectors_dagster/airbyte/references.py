"""References of a manifest: `$ref: "#/definitions/…"` stands for what is written there."""

from collections.abc import Collection, Mapping
from typing import Any

from connectors_dagster.airbyte.errors import ManifestError

REFERENCE = "$ref"


def resolve_references(document: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """Return keys of a document with what their references stand for.

    What stands beside a reference overrides its fields. Equal parts are the same object: do not change them.

    Raises:
        ManifestError: a reference leads nowhere, or to itself.
    """
    resolved: dict[str, Any] = {}
    return {key: _resolve(document[key], document, resolved, ()) for key in keys if key in document}


def _resolve(node: Any, document: Mapping[str, Any], resolved: dict[str, Any], open_: tuple[str, ...]) -> Any:
    if isinstance(node, dict):
        own = {key: _resolve(value, document, resolved, open_) for key, value in node.items() if key != REFERENCE}
        if REFERENCE not in node:
            return own
        found = _resolve(node[REFERENCE], document, resolved, open_)
        return found | own if isinstance(found, dict) else found
    if isinstance(node, list):
        return [_resolve(item, document, resolved, open_) for item in node]
    if isinstance(node, str) and node.startswith("#/"):
        if node in open_:
            raise ManifestError(f"the reference {node} leads to itself")
        if node not in resolved:
            resolved[node] = _resolve(_find(node, document), document, resolved, (*open_, node))
        return resolved[node]
    return node


def _find(reference: str, document: Mapping[str, Any]) -> Any:
    """Find what a reference names. Names may have slashes in them, so the longest one is tried first."""
    node: Any = document
    rest = reference.removeprefix("#/")
    try:
        while rest:
            if isinstance(node, Mapping) and rest in node:
                return node[rest]
            head, _, rest = rest.partition("/")
            node = node[int(head)] if isinstance(node, list) else node[head]
    except (KeyError, IndexError, TypeError, ValueError):
        raise ManifestError(f"the reference {reference} leads nowhere") from None
    return node
