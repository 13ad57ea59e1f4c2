"""Texts of a manifest as texts of a connector: what is looked up becomes a placeholder."""

from collections.abc import Mapping
from typing import Any

from connectors_dagster.airbyte.computed import computed, surely_computed
from connectors_dagster.airbyte.errors import NotNativeError
from connectors_dagster.airbyte.expressions import compiled, config_path, constant
from connectors_dagster.airbyte.stream import Stream
from connectors_dagster.expressions.expression import ALIASES
from connectors_dagster.expressions.lookup import MISSING, Fallback, Lookup
from connectors_dagster.spec.computed import Computed, Kind
from connectors_dagster.spec.placeholders import Secret, Setting, Text

BOUNDS: Mapping[str, str] = {"start_time": "{incremental.start_value}", "end_time": "{incremental.end_value}"}
OVER = "an expression over"


def write_text(
    text: str, stream: Stream, *, secret: bool = False, kind: Kind = "text", types: tuple[type, ...] = ()
) -> str:
    """Return a text with placeholders for settings, bounds of the window and fields of the parent row.

    Args:
        text: what the manifest says.
        stream: where it says it.
        secret: whether settings in it are secret even if the `spec` does not say so.
        kind: what is computed from settings: see `Computed`.
        types: the types that it may have.

    Raises:
        NotNativeError: the text does more than to put values together, or to compute one from settings.
    """
    try:
        written = _put_together(text, stream, secret=secret)
        if isinstance(written, Setting) and written.optional and ".get" in text:
            # Without a value, `get` gives None, of which a request may have the name.
            return computed(text, stream, secret=secret, kind=kind, types=types) or written
        return written
    except NotNativeError:
        if found := computed(text, stream, secret=secret, kind=kind, types=types):
            return found
        raise


def _put_together(text: str, stream: Stream, *, secret: bool) -> str:
    expression = compiled(text)
    if expression.is_constant:
        return _plain(expression.text, text)
    if expression.parts is None:
        names = " and ".join(sorted(expression.names)) or "nothing"
        raise NotNativeError(f"{OVER} {names}", text)
    parts = [
        _plain(part, text) if isinstance(part, str) else _placeholder(part, stream, text, secret=secret)
        for part in expression.parts
    ]
    settings = [part for part in parts if isinstance(part, Setting)]
    if len(parts) == 1:
        return parts[0]
    for setting in settings:
        if setting.optional:
            raise NotNativeError("an optional setting inside text", text)
        if setting.type in (bool, list):
            raise NotNativeError(f"a {setting.type.__name__} inside text, which Airbyte writes as Python does", text)
    parts = _unquoted(parts, text)
    return Text(*parts) if settings else "".join(parts)


def _unquoted(parts: list[str], text: str) -> list[str]:
    """Return a text without the quotes around it, which Airbyte takes away when it reads the text as Python."""
    first, last = parts[0], parts[-1]
    if isinstance(first, Setting) or isinstance(last, Setting) or first[:1] not in ("'", '"') or first[0] != last[-1:]:
        return parts
    inner = [first[1:], *parts[1:-1], last[:-1]]
    if any(not isinstance(part, Setting) and (first[0] in part or "\\" in part) for part in inner):
        raise NotNativeError("quotes in a text", text)
    return inner


def _plain(part: str, text: str) -> str:
    if "{" in part or "}" in part or "‹" in part:
        raise NotNativeError("braces in a text", text)
    return part


def _placeholder(lookup: Lookup | Fallback, stream: Stream, text: str, *, secret: bool) -> str:
    if isinstance(lookup, Fallback):
        return _setting_or(lookup, stream, text, secret=secret)
    if path := config_path(lookup):
        return _setting(lookup, path, stream, secret=secret)
    if ALIASES.get(lookup.name, lookup.name) == "stream_slice" and lookup.steps:
        key, *more = (step.key for step in lookup.steps)
        field = str(stream.parent_config.get("partition_field", ""))
        if key == field and not more and stream.parent:
            return f"{{resources.{stream.parent.name}.{stream.parent_config['parent_key']}}}"
        if key in stream.lists and not more:
            return f"{{each.{stream.lists[str(key)]}}}"
        if key in BOUNDS and not more and stream.cursor:
            return BOUNDS[str(key)]
    name = ALIASES.get(lookup.name, lookup.name)
    raise NotNativeError(f"{OVER} {name}", text)


def _setting(lookup: Lookup, path: tuple[str, ...], stream: Stream, *, secret: bool) -> Setting:
    last = lookup.steps[-1]
    found = stream.settings.setting(path, secret=secret, may_lack=last.default is not MISSING)
    if last.default is MISSING or last.default is None or not found.optional:
        return found
    # The default of `get` is what is used without the setting.
    try:
        return (Secret if isinstance(found, Secret) else Setting)(
            found, type=found.type, default=last.default, description=found.description
        )
    except ValueError:
        raise NotNativeError("a default of another type than the setting", f"{found}: {last.default!r}") from None


def _setting_or(written: Fallback, stream: Stream, text: str, *, secret: bool) -> Setting:
    """Return a setting with a default: no value and an empty text are the same for a setting."""
    path = config_path(written.lookup)
    found = stream.settings.setting(path, secret=secret) if path and len(path) == 1 else None
    if found is None or found.type is not str or not (found.optional or found.default == written.otherwise):
        raise NotNativeError(f"{OVER} {ALIASES.get(written.lookup.name, written.lookup.name)}", text)
    make = Secret if isinstance(found, Secret) else Setting
    fits = not found.choices or written.otherwise in found.choices
    choices = found.choices if fits else ()
    return make(found, default=written.otherwise, choices=choices, description=found.description)


def write_param(value: Any, stream: Stream) -> Any:
    """Return the value of a query parameter; None if it is left out.

    Raises:
        NotNativeError: it has no translation.
    """
    if not isinstance(value, str):
        return _sent(value)
    if _is_never_there(value, stream):
        return None
    if _is_fixed(value):
        found = constant(value, types=(str, list))
        return _sent(found) if not isinstance(found, str) else _plain(found, value)
    written = write_text(value, stream, kind="value", types=(str, list))
    if isinstance(written, Setting) and written.type is bool:
        return surely_computed(value, stream, types=(str, list))  # as Python writes it
    return written


def write_json(value: Any, stream: Stream) -> Any:
    """Return a JSON body, or a part of one.

    Raises:
        NotNativeError: it has no translation.
    """
    if isinstance(value, Mapping):
        if named := [key for key in value if isinstance(key, str) and not compiled(key).is_constant]:
            raise NotNativeError("the name of a field in the body is an expression", named[0])
        items = ((write_json(key, stream), write_json(item, stream)) for key, item in value.items())
        return {key: item for key, item in items if item is not None}
    if isinstance(value, list):
        return [write_json(item, stream) for item in value]
    if not isinstance(value, str):
        return value
    if _is_never_there(value, stream):
        return None
    if _is_fixed(value):
        return constant(value)
    written = write_text(value, stream, kind="value")
    if isinstance(written, Setting) and not isinstance(written, Computed) and written.type is str:
        return surely_computed(value, stream)  # Airbyte makes a number of a text that has only digits
    return written


def _is_fixed(text: str) -> bool:
    """Tell whether a text is always the same: it has no expression, or only such as `{{ False }}`."""
    expression = compiled(text)
    return expression.is_constant or all(isinstance(part, str) for part in expression.parts or (None,))


def _is_never_there(text: str, stream: Stream) -> bool:
    """Tell whether a text looks up a bound of a window or a partition that its stream lacks; nothing is sent then."""
    lookup = compiled(text).lookup
    if lookup is None or ALIASES.get(lookup.name) != "stream_slice" or stream.routers:
        return False
    named = stream.cursor.get("partition_field_start") or stream.cursor.get("partition_field_end")
    known = BOUNDS if stream.cursor else {}
    return [step.default for step in lookup.steps] == [MISSING] and not named and lookup.steps[0].key not in known


def _sent(value: Any) -> Any:
    """Return a value as Airbyte sends it in a query: Python's words for booleans."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, Mapping):
        raise NotNativeError("an object in a query parameter", value)
    return value
