"""References of a manifest: `$ref: "#/definitions/…"` stands for what is written there."""

from collections.abc import Collection, Mapping
from operator import is_not
from typing import Any

from connectors_dagster.airbyte.errors import ManifestError

REFERENCE, HERE = "$ref", "#/"


def resolve_references(document: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """Return keys of a document with what their references stand for.

    What stands beside a reference overrides its fields. Equal parts are the same object: do not change them.

    Raises:
        ManifestError: a reference leads nowhere, or to itself.
    """
    resolved: dict[str, Any] = {}
    return {key: _resolve(document[key], document, resolved, ()) for key in keys if key in document}


def _resolve(node: Any, document: Mapping[str, Any], resolved: dict[str, Any], open_: tuple[str, ...]) -> Any:
    """Return a node with what it refers to; one without references is returned itself, because most are."""
    if isinstance(node, dict):
        changed = {
            key: found
            for key, value in node.items()
            if not (type(value) is str and value[:2] != HERE)
            and (found := _resolve(value, document, resolved, open_)) is not value
        }
        if REFERENCE not in node:
            return node | changed if changed else node
        whole = node | changed
        found = whole.pop(REFERENCE)
        return found | whole if isinstance(found, dict) else found
    if isinstance(node, list):
        items = [_resolve(item, document, resolved, open_) for item in node]
        return items if any(map(is_not, items, node)) else node
    if isinstance(node, str) and node.startswith(HERE):
        if node in open_:
            raise ManifestError(f"the reference {node} leads to itself")
        if node not in resolved:
            resolved[node] = _resolve(_find(node, document), document, resolved, (*open_, node))
        return resolved[node]
    return node


def _find(reference: str, document: Mapping[str, Any]) -> Any:
    """Find what a reference names. Names may have slashes in them, so the longest one is tried first."""
    node: Any = document
    rest = reference.removeprefix(HERE)
    try:
        while rest:
            if isinstance(node, Mapping) and rest in node:
                return node[rest]
            head, _, rest = rest.partition("/")
            node = node[int(head)] if isinstance(node, list) else node[head]
    except (KeyError, IndexError, TypeError, ValueError):
        raise ManifestError(f"the reference {reference} leads nowhere") from None
    return node
