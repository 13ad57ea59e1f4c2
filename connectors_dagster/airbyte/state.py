"""A state of Airbyte: how far each stream was read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors_dagster.airbyte.errors import ManifestError
from connectors_dagster.airbyte.json_file import field, read_json
from connectors_dagster.spec.windows import Window

Read = Callable[[Any], datetime]
"""Reads a cursor value; raises ValueError if it is no time."""


@dataclass(frozen=True, kw_only=True)
class StreamState:
    """What a state says about a stream.

    Args:
        name: of the stream in the manifest.
        state: what it says, as Airbyte wrote it.
    """

    name: str
    state: Mapping[str, Any]

    def covers(self, window: Window, read: Read, cursor: str) -> bool:
        """Tell whether the stream was read in the whole of a window, for all that it is requested for."""
        parts = self.state.get("states")
        if isinstance(parts, list) and parts and not self.state.get("use_global_cursor"):
            return all(_covers(field(part, "cursor"), window, read, cursor) for part in parts)
        return _covers(self.state.get("state") or self.state, window, read, cursor)


def read_state(file: Path) -> list[StreamState]:
    """Read the state of a connection: a list of messages, an object by stream, or what Airbyte's API returns.

    Raises:
        ManifestError: the file is not JSON, or has none of these shapes.
    """
    document = read_json(file, what="a state")
    if field(document, "state_type") == "not_set":
        return []
    found = list(_streams(document))
    if document and not found:
        raise ManifestError(f"{file}: is not a state of Airbyte: there is no stream in it")
    return found


def _streams(document: Any) -> Iterator[StreamState]:
    if isinstance(document, list):
        for message in document:
            yield from _message(message)
    elif found := field(document, "stream_state") or field(field(document, "global_state"), "stream_states"):
        yield from _messages(found)
    elif field(document, "type") or field(document, "stream_descriptor"):
        yield from _message(document)
    elif field(document, "state_type") == "legacy":
        yield from _streams(field(document, "state") or {})
    elif all(isinstance(state, Mapping) for state in document.values()):
        for name, state in document.items():
            yield StreamState(name=str(name), state=state)


def _messages(found: Sequence[Any]) -> Iterator[StreamState]:
    for message in found if isinstance(found, list) else ():
        yield from _message(message)


def _message(message: Any) -> Iterator[StreamState]:
    message = field(message, "state") or message  # a message of the protocol
    if whole := field(message, "global"):
        yield from _messages(field(whole, "stream_states"))
    stream = field(message, "stream") or message
    name, state = field(field(stream, "stream_descriptor"), "name"), field(stream, "stream_state")
    if name and isinstance(state, Mapping):
        yield StreamState(name=str(name), state=state)


def _covers(state: Any, window: Window, read: Read, cursor: str) -> bool:
    """Tell whether a cursor is at or behind the end of a window, or one span of time that was read has all of it."""
    if not isinstance(state, Mapping):
        return False
    try:
        if isinstance(spans := state.get("slices"), list):
            found = [(read(span["start"]), read(span["end"])) for span in spans]
            return any(start <= window.start and window.end <= end for start, end in found)
        return cursor in state and window.end <= read(state[cursor])
    except (ValueError, KeyError, TypeError):
        return False
