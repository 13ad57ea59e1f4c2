"""How large a document is when everything that it refers to is written out; a few lines can stand for billions."""

from typing import Any

MOST_PARTS = 1_000_000
"""Objects, lists and values of a document; the largest manifests of Airbyte have 60,000."""


def check_size(document: Any) -> None:
    """Refuse a document that is too large.

    Raises:
        ValueError: it has too many parts, or is nested too deeply, as one is of which a part stands in itself.
    """
    try:
        size = _size(document, {})
    except RecursionError:
        raise ValueError("it is nested too deeply, or a part of it stands in itself") from None
    if size > MOST_PARTS:
        raise ValueError(
            f"it has {size:,} parts when its aliases and references are written out: at most {MOST_PARTS:,} are read"
        )


def _size(node: Any, known: dict[int, int]) -> int:
    """Count the parts of a node; one that stands in several places is looked into once, and counted in each."""
    if type(node) is not dict and type(node) is not list:
        return 1
    if (found := known.get(id(node))) is not None:
        return found
    size = 1
    for item in node.values() if type(node) is dict else node:
        size += _size(item, known) if type(item) is dict or type(item) is list else 1
    known[id(node)] = size
    return size
