"""Reads YAML several times as fast as PyYAML, which takes seconds for a large manifest."""

from collections.abc import Callable
from typing import Any

import yaml

from connectors_dagster.spec.schema_file import StrictLoader

Next = Callable[[], Any]
_Parser: Any = getattr(yaml, "CSafeLoader", None)
_MERGE = "tag:yaml.org,2002:merge"


class _UnusualError(Exception):
    """The document has something that the fast way does not know."""


def load_yaml(text: str) -> Any:
    """Read a document as `StrictLoader` does, with the same errors.

    Raises:
        YAMLError: it is not YAML, or a key is written twice.
    """
    if _Parser is None:
        return yaml.load(text, Loader=StrictLoader)  # a safe one
    try:
        return _Reader(_Parser(text)).document()
    except (_UnusualError, yaml.YAMLError):
        return yaml.load(text, Loader=StrictLoader)  # a safe one


class _Reader:
    """Builds a document from libyaml's events; PyYAML makes a node with two marks for each of them."""

    def __init__(self, parser: Any) -> None:
        self._next: Next = parser.get_event
        self._known: dict[str, Any] = {}
        self._constructor: Any = yaml.SafeLoader("")  # it keeps all that it constructs

    def document(self) -> Any:
        """Return the only document."""
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        found = self._node(self._next())
        self._next()
        if not isinstance(self._next(), yaml.StreamEndEvent):
            raise _UnusualError
        return found

    def _node(self, event: Any) -> Any:
        kind = type(event)
        if kind is yaml.AliasEvent or event.anchor is not None or event.tag is not None:
            raise _UnusualError
        if kind is yaml.ScalarEvent:
            return self._plain(event.value) if event.implicit[0] else event.value
        return self._mapping() if kind is yaml.MappingStartEvent else self._sequence()

    def _mapping(self) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        names = set()
        while type(event := self._next()) is not yaml.MappingEndEvent:
            if type(event) is not yaml.ScalarEvent or event.value in names:
                raise _UnusualError
            names.add(event.value)
            key = self._node(event)
            found[key] = self._node(self._next())
        return found

    def _sequence(self) -> list[Any]:
        found = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            found.append(self._node(event))
        return found

    def _plain(self, text: str) -> Any:
        """Return what a text without quotes stands for; there are few different ones."""
        if text not in self._known:
            tag = self._constructor.resolve(yaml.ScalarNode, text, (True, False))
            if tag == _MERGE:
                raise _UnusualError
            self._known[text] = self._constructor.construct_object(yaml.ScalarNode(tag, text))
        return self._known[text]
