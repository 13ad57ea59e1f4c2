"""Settings of a connector: the properties that the `spec` of a manifest declares."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from connectors_dagster.airbyte.errors import ManifestError
from connectors_dagster.airbyte.names import identifier
from connectors_dagster.spec.own_settings import OWN_SETTINGS
from connectors_dagster.spec.placeholders import FITTING, REQUIRED, Secret, Setting

TAKEN = OWN_SETTINGS - {"start_date"}
"""Settings that every connector has, which mean something else than a property; a start date means the same."""
TYPES: Mapping[str, type[Any]] = {"integer": int, "number": float, "boolean": bool, "array": list, "string": str}
ALTERNATIVES = ("oneOf", "anyOf", "allOf")
ANY, SECRET = "*", "airbyte_secret"
Path = tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """What `config` stands for in the expressions of a manifest.

    Args:
        spec: the JSON schema of the configuration.
        given: the path of an object that is given, so that what one of its alternatives requires is required.
        rules: how the configuration is changed before it is read.
    """

    spec: Mapping[str, Any]
    given: Path | None = None
    rules: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def changed(self) -> frozenset[str]:
        """The properties that the rules may change: the names in all their paths; ``*`` if those are not known."""
        return frozenset(_changed(self.rules))

    @cached_property
    def declared(self) -> Mapping[Path, tuple[Mapping[str, Any], bool]]:
        """The properties by their path, each with whether it must be given; secret if any alternative says so."""
        found: dict[Path, tuple[Mapping[str, Any], bool]] = {}
        for path, (written, must) in _properties(self.spec, (), self.given, required=True):
            before, needed = found.get(path, ({}, True))
            hidden = {SECRET: True} if before.get(SECRET) else {}
            found[path] = ({**written, **hidden}, must and needed)
        return found

    @cached_property
    def names(self) -> Mapping[Path, str]:
        """The names of the settings by path; two properties never share one."""
        found: dict[Path, str] = {}
        for path in self.declared:
            found[path] = _free_name(path, found.values())
        return found

    def is_plain(self, path: Path) -> bool:
        """Tell whether a setting can hold a property: text, a number, true or false, or a list of texts."""
        written, _ = self.declared.get(path, ({}, False))
        kind, items = written.get("type", "string"), written.get("items")
        kinds = {one for one in (kind if isinstance(kind, list) else [kind]) if one != "null"}
        of_texts = isinstance(items, Mapping) and items.get("type", "string") == "string"
        return len(kinds) == 1 and kinds <= set(TYPES) and ("array" not in kinds or of_texts)

    def setting(self, path: Path, *, secret: bool = False, may_lack: bool = False) -> Setting:
        """Return the placeholder for a property; one that the spec does not declare may be missing, and is text.

        Without a spec, it must be given, unless it is read in a way that says that it `may_lack`.
        """
        written, required = self.declared.get(path, ({}, not self.spec and not may_lack))
        kind = _type(written)
        default = REQUIRED if required else None
        if _fits(written.get("default"), kind):
            default = written["default"]
        choices = tuple(choice for choice in written.get("enum") or () if _fits(choice, kind))
        make = Secret if secret or written.get(SECRET) else Setting
        name = self.names.get(path) or _free_name(path, self.names.values())
        said = str(written.get("description") or written.get("title") or "")
        description = " ".join(said.split())
        if choices and default not in (REQUIRED, None) and default not in choices:
            choices = ()
        return make(name, type=kind, default=default, choices=choices, description=description)


def check_settings(spec: Mapping[str, Any]) -> None:
    """Check that properties can be read from a JSON schema.

    Raises:
        ManifestError: a part of it has another shape.
    """
    found = [one for key in ALTERNATIVES for one in spec.get(key) or () if isinstance(one, Mapping)]
    for one in (spec, *found):
        if not isinstance(one.get("properties") or {}, Mapping):
            raise ManifestError(f"the properties of the spec are no object, but {str(one['properties'])[:100]!r}")
        if one.get("properties") and not isinstance(one.get("required") or [], list):
            raise ManifestError(f"'required' in the spec is no list, but {str(one['required'])[:100]!r}")
        for inner in (one.get("properties") or {}).values():
            if isinstance(inner, Mapping):
                check_settings(inner)


def _free_name(path: Path, used: Collection[str]) -> str:
    """Return a name for a property that no other setting has."""
    name = identifier("_".join(path))
    name = f"{name}_setting" if name in TAKEN else name
    while name in used:
        name += "_2"
    return name


def _changed(rules: Any, at: str = "") -> Iterator[str]:
    if isinstance(rules, Mapping):
        for key, value in rules.items():
            yield from _changed(value, str(key))
    elif isinstance(rules, list):
        for item in rules:
            yield from _changed(item, at)
    elif at in ("path", "field_path", "field_pointers"):
        yield ANY if "{" in str(rules) or ANY in str(rules) else str(rules)


def _properties(
    schema: Mapping[str, Any], at: Path, given: Path | None, *, required: bool
) -> Iterator[tuple[Path, tuple[Mapping[str, Any], bool]]]:
    """Yield the properties of a schema and of the objects in it; what only some alternatives have may be missing."""
    needed: Sequence[str] = schema.get("required") or ()
    for name, written in (schema.get("properties") or {}).items():
        if not isinstance(written, Mapping):
            continue
        must, path = required and name in needed, (*at, str(name))
        inside = [written, *(one for key in ALTERNATIVES for one in written.get(key) or () if isinstance(one, Mapping))]
        if not any(one.get("properties") for one in inside):
            yield path, (written, must)
        for one in inside:
            yield from _properties(one, path, given, required=(must and one is written) or path == given)


def _type(written: Mapping[str, Any]) -> type[Any]:
    kind = written.get("type", "string")
    kinds = [one for one in (kind if isinstance(kind, list) else [kind]) if one != "null"]
    return TYPES.get(str(kinds[0]) if kinds else "string", str)


def _fits(value: Any, kind: type[Any]) -> bool:
    if value is None or (isinstance(value, bool) and kind is not bool):
        return False
    items = value if kind is list and isinstance(value, list) else [value]
    return isinstance(value, FITTING[kind]) and all(kind is not list or isinstance(item, str) for item in items)
