"""Fields that say when a row was read. They are different each time, so that no hash of a row may cover them."""

import re
from collections.abc import Set

from connectors_dagster.airbyte.expressions import compiled
from connectors_dagster.airbyte.manifest import Component
from connectors_dagster.airbyte.stream import Stream

CLOCK = re.compile(r"\b(now_utc|today_utc|today_with_timezone)\b")


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


def _with_added(field: Component, found: Set[str]) -> set[str]:
    """Return the fields with one that is added, or without one that is replaced."""
    path = field.get("path")
    if not isinstance(path, list) or len(path) != 1:
        return {*found}
    return {*found, str(path[0])} if _tells_time(str(field.get("value")), found) else {*found} - {str(path[0])}


def _tells_time(text: str, found: Set[str]) -> bool:
    """Tell whether a value depends on the time, perhaps by one of the fields."""
    if CLOCK.search(text):
        return True
    lookups = [one for one in compiled(text).lookups if one.name == "record"] if found else []
    return any(not one.steps or one.steps[0].key in found for one in lookups)
