"""The types of a vendor's SDK, a folder of `.d.ts` files, to compare columns with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from connectors_dagster import Resource
from tests.support.vendor_field import Field

INTERFACE = re.compile(r"^(?P<indent> *)export interface (?P<name>\w+) \{$(?P<body>.*?)^(?P=indent)\}$", re.M | re.S)
COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.M | re.S)
NAMED = {"number": "number", "boolean": "boolean", "string": "string", "true": "boolean", "false": "boolean"}


@dataclass(frozen=True)
class Types:
    """The fields of the interfaces of a folder, by the interface's name in lower case."""

    title: str
    interfaces: Mapping[str, Mapping[str, Field]]

    @classmethod
    def read(cls, folder: Path) -> "Types":
        """Read the first interface of each file `<Name>.d.ts` that has the file's name."""
        found = {}
        for file in sorted(folder.rglob("*.d.ts")):
            name = file.name.removesuffix(".d.ts")
            text = COMMENT.sub("", file.read_text(encoding="utf-8"))
            bodies = (one for one in INTERFACE.finditer(text) if one["name"] == name)
            if one := next(bodies, None):
                found[name.lower()] = _fields(one["body"], len(one["indent"]) + 2)
        return cls(f"types in {folder.name}", found)

    def fields(self, resource: Resource) -> Mapping[str, Field] | None:
        """Return the fields of the interface named as the resource; None if there is none."""
        return self.interfaces.get(resource.name.replace("_", ""))


def _fields(body: str, indent: int) -> dict[str, Field]:
    """Read `name?: type;` at one depth; what is deeper belongs to a field's own type."""
    named = re.compile(rf"^ {{{indent}}}(\w+)(\??):(.*?);$(?=\s*?(?:^ {{{indent}}}\S|\Z))", re.M | re.S)
    return {name: _field(kind.strip(), bool(optional)) for name, optional, kind in named.findall(body + "\n")}


def _field(kind: str, optional: bool) -> Field:
    """Return the types; a named type that is not an object of a namespace is a list of texts, an enum."""
    types = {"null"} if optional else set()
    if kind.endswith("[]") or kind.startswith("Array<"):
        return Field(frozenset(types | {"array"}))
    for one in (part.strip() for part in kind.split("|")):
        if one.startswith("'") or one.endswith("Enum"):
            types.add("string")
        elif "." in one or one.startswith("{"):
            types.add("object")
        elif one in NAMED or one == "null":
            types.add(NAMED.get(one, "null"))
    return Field(frozenset(types))
