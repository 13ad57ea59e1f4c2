"""Reads YAML several times as fast as PyYAML, which takes seconds for a large manifest."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import yaml
from yaml.events import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, StreamEndEvent

from connectors_dagster.spec.document_size import check_size

Next = Callable[[], Any]
_Parser: Any = getattr(yaml, "CSafeLoader", None)
_Loader: Any = _Parser or yaml.SafeLoader
_RESOLVER: Any = yaml.SafeLoader("")
_MERGE, _TEXT = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:str"


class _UnusualError(Exception):
    """The document has something that the fast way does not know."""


def load_yaml(text: str) -> Any:
    """Read a document as the safe loader of PyYAML does, with the same errors.

    Of a key that is written twice, the last counts.

    Raises:
        YAMLError: it is not YAML, or it is nested too deeply or too large with its aliases written out.
    """
    try:
        return _Reader(_Parser(text)).document() if _Parser else _by_pyyaml(text)
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    except (_UnusualError, yaml.YAMLError):
        return _by_pyyaml(text)


def _by_pyyaml(text: str) -> Any:
    try:
        document = yaml.load(text, Loader=_Loader)  # a safe one
        check_size(document)
    except (ValueError, RecursionError) as error:
        raise yaml.YAMLError(str(error)) from None
    return document


class _Reader:
    """Builds a document from libyaml's events; PyYAML makes a node with two marks for each of them."""

    def __init__(self, parser: Any) -> None:
        self._next: Next = parser.get_event

    def document(self) -> Any:
        """Return the only document."""
        self._next()
        if isinstance(self._next(), StreamEndEvent):
            return None
        found = self._node(self._next())
        self._next()
        if not isinstance(self._next(), StreamEndEvent):
            raise _UnusualError
        return found

    def _node(self, event: Any) -> Any:
        kind = type(event)
        if kind is AliasEvent or event.anchor is not None or event.tag is not None:
            raise _UnusualError
        if kind is ScalarEvent:
            return _plain(event.value) if event.implicit[0] else event.value
        return self._mapping() if kind is MappingStartEvent else self._sequence()

    def _mapping(self) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        next_, node = self._next, self._node
        while type(event := next_()) is not MappingEndEvent:
            if type(event) is not ScalarEvent:
                raise _UnusualError
            found[node(event)] = node(next_())
        return found

    def _sequence(self) -> list[Any]:
        found = []
        next_, node = self._next, self._node
        while type(event := next_()) is not SequenceEndEvent:
            found.append(node(event))
        return found


@lru_cache(maxsize=10_000)
def _plain(text: str) -> Any:
    """Return what a text without quotes stands for; there are few different ones."""
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))
    if tag == _MERGE:
        raise _UnusualError
    return text if tag == _TEXT else yaml.SafeLoader("").construct_object(yaml.ScalarNode(tag, text))
