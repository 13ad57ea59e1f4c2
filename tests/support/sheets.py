"""What is documented about each resource: tests/facts/<connector>.yaml."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from connectors_dagster import Resource

Row = dict[str, Any]
FOLDER = Path(__file__).parents[1] / "facts"
COMMON = ("auth", "rows_at", "params", "paging", "errors")
WRITE = (
    "{resource}: nothing is documented. Write tests/facts/{file}.yaml, from the vendor's documentation and not from "
    "the connector: under `resources`, `{name}: {{path: …, key: […], sample: {{…}}}}`, and "
    "the other entries of tests/facts/README.md that apply"
)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is documented about one resource; tests/facts/README.md explains the entries."""

    path: str
    key: Sequence[str]
    sample: Row
    auth: Mapping[str, Any]
    parent: str | None = None
    parent_param: Mapping[str, str] = field(default_factory=dict)
    rows_at: str = "$"
    shape: Literal["list", "values", "object"] = "list"
    params: Mapping[str, str] = field(default_factory=dict)
    paging: Mapping[str, Any] | None = None
    cursor: str | None = None
    window: Mapping[str, str] = field(default_factory=dict)
    first_window: Mapping[str, str] | None = None
    hidden: Mapping[str, Any] | None = None
    each: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    errors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The number of rows on a page; a few if there are no pages, and one for an object."""
        return int(self.paging["rows"]) if self.paging else 1 if self.shape == "object" else 3

    @property
    def lists(self) -> int:
        """The number of lists that the rows are spread over: one for each value of a parameter."""
        return max(map(len, self.each.values()), default=1)

    def first_params(self, window: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the parameters of the first request of a window or list, except for the page."""
        paging = self.paging or {}
        size = {paging["size"]: str(self.size)} if paging.get("size") else {}
        first = {name: values[0] for name, values in self.each.items() if values[0] is not None}
        params = {name: str(value) for name, value in {**self.params, **first}.items()}
        return {**params, **size, **(self.window if window is None else window)}

    @property
    def place(self) -> str:
        """The parameter that says which page is requested."""
        return str((self.paging or {}).get("place", ""))

    @property
    def parent_field(self) -> str:
        """The field of the parent row that is in the request: in the path, or in a parameter."""
        [named] = self.parent_param.values() or re.findall(r"{(\w+)}", self.path)
        return str(named)

    def rows(self, count: int, *, whole: bool = False) -> list[Row]:
        """Make rows like the sample, each with its own key: whole, or with only key and cursor."""
        hashed = (
            [] if set(self.key) & set(self.sample) else list(self.sample)
        )  # without a key, the whole row is the key
        needed = (*self.key, self.cursor, *hashed)
        kept = {name: value for name, value in self.sample.items() if whole or name in needed}
        own = [name for name in (*self.key, *hashed) if name in kept]
        return [kept | {name: _another(kept[name], n) for name in own} for n in range(count)]

    def in_list(self, number: int, query: Mapping[str, str]) -> bool:
        """Return whether a row, by its number, is in the list that a request with this query is for."""
        return all(query.get(name) == values[number % len(values)] for name, values in self.each.items())

    def shows(self, row: Row, query: Mapping[str, str]) -> bool:
        """Return whether the API returns a row to a request with this query."""
        hidden = self.hidden or {}
        if not hidden.get("unless") or not hidden["row"].items() <= row.items():
            return True
        return all(query.get(name) == str(value) for name, value in hidden["unless"].items())

    def under(self, row: Row, number: int) -> Row:
        """Make the row for another parent: with another key, unless the parent is part of the key."""
        if any(name not in row for name in self.key):
            return row
        return row | {name: _another(row[name], 10_000 * number) for name in self.key}


def _another(value: Any, number: int) -> Any:
    return value + number if isinstance(value, int) else f"{value}{number:05}"


@cache
def read_facts(connector: str) -> Mapping[str, Any]:
    """Read the facts of a connector; without a file, it has none."""
    path = FOLDER / f"{connector}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {"resources": {}}


def facts_of(resource: Resource) -> Facts:
    """Return the facts of a resource; if there are none, fail and say what to write."""
    file = read_facts(resource.connector.name)
    if resource.name not in file["resources"]:
        pytest.fail(WRITE.format(resource=resource, file=resource.connector.name, name=resource.name), pytrace=False)
    common = {name: file[name] for name in COMMON if name in file}
    own = file["resources"][resource.name]
    shared, specific = common.get("errors", {}), own.get("errors", {})
    errors = {name: {**shared.get(name, {}), **specific.get(name, {})} for name in {**shared, **specific}}
    return Facts(**{**common, **own, "errors": errors})
