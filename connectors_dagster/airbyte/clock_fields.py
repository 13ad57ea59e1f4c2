"""Fields that say when a row was read, or are made up. They differ each time: no hash of a row may cover them."""

import re
from collections.abc import Set

from connectors_dagster.airbyte.expressions import compiled
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.stream import Stream
from connectors_dagster.expressions.expression import ALIASES

CLOCK = re.compile(r"\b(now_utc|today_utc|today_with_timezone|day_delta)\b")
MADE_UP = re.compile(r"\bgenerate_uuid\b")
PLAIN = ("AddFields", "RemoveFields", "KeysToLower")
"""The transformations after which the names of fields are known."""
BOUNDS = ("start_time", "end_time")


def clock_fields(stream: Stream) -> tuple[str, ...]:
    """Return the fields of changed rows whose values come from the time at which they are read, except in objects."""
    found = set[str]()
    for change in stream.transformations:
        match change.get("type"):
            case "AddFields":
                for field in change.get("fields") or ():
                    found = _with_added(field, found)
            case "RemoveFields":
                removed = [pointer for pointer in change.get("field_pointers") or () if isinstance(pointer, list)]
                found -= {str(path[0]) for path in removed if len(path) == 1}
            case "KeysToLower":
                found = {name.lower() for name in found}
    return tuple(sorted(found))


def has_other_clock(stream: Stream) -> bool:
    """Tell whether changed rows may have values that differ each time in other places than `clock_fields`.

    Those are objects, fields that got another name or depend on a condition, and the bounds of what was requested.
    """
    changes = stream.transformations
    added = [field for change in changes if change.get("type") == "AddFields" for field in change.get("fields") or ()]
    differing = [field for field in added if _differs(str(field.get("value")))]
    plain = all(one.get("type") in PLAIN and not one.get("condition") for one in changes)
    inside = any(not isinstance(path := field.get("path"), list) or len(path) != 1 for field in differing)
    return any(_reads_bound(str(field.get("value"))) for field in added) or bool(differing and (inside or not plain))


def _differs(text: str) -> bool:
    return bool(CLOCK.search(text) or MADE_UP.search(text))


def _reads_bound(text: str) -> bool:
    """Tell whether a value depends on what was requested: the end of the last request is the time of reading."""
    lookups = [one for one in compiled(text).lookups if ALIASES.get(one.name, one.name) == "stream_slice"]
    return any(not one.steps or one.steps[0].key in BOUNDS for one in lookups)


def _with_added(field: Component, found: Set[str]) -> set[str]:
    """Return the fields with one that is added, or without one that is replaced."""
    path = field.get("path")
    if not isinstance(path, list) or len(path) != 1:
        return {*found}
    return {*found, str(path[0])} if _tells_time(str(field.get("value")), found) else {*found} - {str(path[0])}


def _tells_time(text: str, found: Set[str]) -> bool:
    """Tell whether a value depends on the time, perhaps by one of the fields."""
    if _differs(text):
        return True
    lookups = [one for one in compiled(text).lookups if one.name == "record"] if found else []
    return any(not one.steps or one.steps[0].key in found for one in lookups)
