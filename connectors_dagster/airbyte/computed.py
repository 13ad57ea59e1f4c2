"""Values that expressions of a manifest compute from the configuration alone."""

import re
from collections.abc import Iterator
from typing import Any

from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled
from connectors_dagster.airbyte.settings import Path
from connectors_dagster.airbyte.stream import Stream
from connectors_dagster.expressions.lookup import MISSING, Lookup
from connectors_dagster.spec.computed import Computed, Kind
from connectors_dagster.spec.placeholders import Secret, Setting

CLOCK = re.compile(r"\b(now_utc|today_utc|today_with_timezone|day_delta)\b")
IS_GIVEN = re.compile(r"\bin\s+config\b(?!\s*[.\[])")
"""Asks whether a property is given."""


def computed(
    text: str, stream: Stream, *, secret: bool = False, kind: Kind = "value", types: tuple[type, ...] = ()
) -> Computed | None:
    """Return what an expression computes from settings; None if it reads anything else.

    Args:
        text: what the manifest says.
        stream: where it says it.
        secret: whether it is a credential, so that its settings are secret if the `spec` calls none of them so.
        kind: what becomes of the result.
        types: the types that the value may have.

    Raises:
        NotNativeError: the text is not an expression.
    """
    expression = compiled(text)
    if expression.is_constant or expression.names != {"config"} or CLOCK.search(text):
        return None
    whole = sum(not one.steps for one in expression.lookups if one.name == "config")
    paths = [path for one in expression.lookups if one.name == "config" for path in _read(one, stream)]
    if whole != len(IS_GIVEN.findall(text)) or not paths or None in paths:
        return None
    known = [path for path in dict.fromkeys(paths) if path]
    lacking = any(step.default is not MISSING for one in expression.lookups for step in one.steps)
    settings = {path: stream.settings.setting(path, may_lack=lacking) for path in known}
    if secret and not any(isinstance(one, Secret) for one in settings.values()):
        settings = {path: stream.settings.setting(path, secret=True, may_lack=lacking) for path in known}
    config: dict[str, Any] = {}
    return Computed(text, {"config": config}, kind=kind, types=types) if _put_all(config, settings) else None


def surely_computed(text: str, stream: Stream, *, kind: Kind = "value", types: tuple[type, ...] = ()) -> Computed:
    """Return what an expression computes from settings.

    Raises:
        NotNativeError: it reads something that is no setting, such as an object.
    """
    if found := computed(text, stream, kind=kind, types=types):
        return found
    raise NotNativeError("an expression over config", text)


def _read(lookup: Lookup, stream: Stream) -> Iterator[Path | None]:
    """Yield the properties that a lookup reads; None for one that is no setting."""
    keys: Path = ()
    for step in lookup.steps:
        if not isinstance(step.key, str) or keys in stream.settings.declared:
            break
        keys = (*keys, step.key)
    inside = [path for path in stream.settings.declared if path[: len(keys)] == keys]
    for path in inside or ([keys] if keys else []):
        yield path if stream.settings.is_plain(path) else None


def _put_all(config: dict[str, Any], settings: dict[Path, Setting]) -> bool:
    """Put settings in their places; tell whether each has one."""
    for path, setting in settings.items():
        at: Any = config
        for step in path[:-1]:
            at = at.setdefault(step, {})
            if not isinstance(at, dict):
                return False
        if path[-1] in at:
            return False
        at[path[-1]] = setting
    return True
