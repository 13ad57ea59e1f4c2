"""What is documented about an API, from tests/facts/<connector>.yaml, and a server that behaves so."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from connectors_dagster.connector import Connector, Resource, Secret
from connectors_dagster.sandbox import serving
from tests.paging import STYLES

Row = dict[str, Any]
FOLDER = Path(__file__).parent / "facts"
COMMON = ("auth", "rows_at", "params", "paging", "errors")
PREFIX = "/the/api"
PARENTS = 2
WRITE = (
    "{resource}: nothing is documented. Write tests/facts/{file}.yaml, from the vendor's documentation and not from "
    "the connector: under `resources`, `{name}: {{path: …, key: […], sample: {{…}}}}`, and whatever else of "
    "tests/facts/README.md is so"
)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is documented about one resource, in the words of tests/facts/README.md."""

    path: str
    key: Sequence[str]
    sample: Row
    auth: Mapping[str, Any]
    parent: str | None = None
    rows_at: str = "$"
    shape: Literal["list", "values", "object"] = "list"
    params: Mapping[str, str] = field(default_factory=dict)
    paging: Mapping[str, Any] | None = None
    cursor: str | None = None
    window: Mapping[str, str] = field(default_factory=dict)
    first_window: Mapping[str, str] | None = None
    hidden: Mapping[str, Any] | None = None
    errors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many rows a page has; what has no pages has few, and an object is one."""
        return int(self.paging["rows"]) if self.paging else 1 if self.shape == "object" else 3

    def first_params(self, window: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return what the first request of a window, or of everything, sends beside the place to begin at."""
        paging = self.paging or {}
        size = {paging["size"]: str(self.size)} if paging.get("size") else {}
        params = {name: str(value) for name, value in self.params.items()}
        return {**params, **size, **(self.window if window is None else window)}

    @property
    def place(self) -> str:
        """The parameter that says which page is asked for."""
        return str((self.paging or {}).get("place", ""))

    def rows(self, count: int, *, first: int = 0, whole: bool = False) -> list[Row]:
        """Make rows like the sample, each with a key of its own: whole, or with nothing but key and cursor."""
        kept = {name: value for name, value in self.sample.items() if whole or name in (*self.key, self.cursor)}
        own = [name for name in self.key if name in kept]
        return [kept | {name: _another(kept[name], first + n) for name in own} for n in range(count)]


def _another(value: Any, number: int) -> Any:
    return value + number if isinstance(value, int) else f"{value}{number:05}"


@cache
def read_facts(connector: str) -> Mapping[str, Any]:
    """Read the facts of a connector; of one without a file there are none."""
    path = FOLDER / f"{connector}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {"resources": {}}


def facts_of(resource: Resource) -> Facts:
    """Return what is documented about a resource; where nothing is, fail and say what to write."""
    file = read_facts(resource.connector.name)
    if resource.name not in file["resources"]:
        pytest.fail(WRITE.format(resource=resource, file=resource.connector.name, name=resource.name), pytrace=False)
    common = {name: file[name] for name in COMMON if name in file}
    own = file["resources"][resource.name]
    theirs, its = common.get("errors", {}), own.get("errors", {})
    errors = {name: {**theirs.get(name, {}), **its.get(name, {})} for name in {**theirs, **its}}
    return Facts(**{**common, **own, "errors": errors})


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    resource: str
    target: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass
class Documented:
    """A server with the documented paths of one connector, in documented pages; keeps what it is asked.

    `rows` are what it has, by resource and the value that stands for the parent in the path; `refusals` are given
    instead, by resource, one after the other.
    """

    facts: Mapping[str, Facts] = field(default_factory=dict)
    rows: dict[tuple[str, str | None], list[Row]] = field(default_factory=dict)
    refusals: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PREFIX}"

    @contextmanager
    def served(self) -> Iterator["Documented"]:
        with serving(self) as self.port:
            yield self

    def settings(self, connector: Connector) -> dict[str, str]:
        """Return a value for every setting, its own for each that is not the address."""
        texts = {setting: f"{connector.name}/{setting}+of+a+test" for setting in connector.settings}
        return {**texts, **({"base_url": self.base_url} if "base_url" in texts else {})}

    def secrets(self, connector: Connector) -> list[str]:
        return [value for setting, value in self.settings(connector).items() if isinstance(setting, Secret)]

    def begin(self, resource: Resource) -> Facts:
        """Forget everything and become the API of this resource; returns what is documented about it."""
        named = {r.name: facts_of(r) for r in (resource, resource.parent) if r}
        self.facts, self.rows, self.refusals, self.asked = named, {}, {}, []
        return named[resource.name]

    def put(self, resource: Resource, rows: Sequence[Row]) -> list[Row]:
        """Have these rows, of a child under two parents each; returns what there is in all."""
        facts = self.facts[resource.name]
        if resource.parent is None:
            self.rows[resource.name, None] = list(rows)
            return list(rows)
        [named] = re.findall(r"{(\w+)}", facts.path)
        parents = self.facts[resource.parent.name].rows(PARENTS, whole=True)
        self.rows[resource.parent.name, None] = parents
        there = []
        for number, parent in enumerate(parents):
            mine = [row | _under(facts, row, number) for row in rows]
            self.rows[resource.name, str(parent[named])] = mine
            there += mine
        return there

    def asked_for(self, resource: Resource) -> list[Asked]:
        """List the requests for a resource, in order."""
        return [asked for asked in self.asked if asked.resource == resource.name]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(Request(scope, receive))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        path = request.url.path.removeprefix(PREFIX)
        for name, facts in self.facts.items():
            pattern = re.sub(r"\\{\w+\\}", "([^/]+)", re.escape(facts.path))
            if found := re.fullmatch(pattern, path):
                target = str(request.url).partition(PREFIX)[2]
                self.asked.append(Asked(name, target, dict(request.query_params), dict(request.headers)))
                return self._list(name, next(iter(found.groups()), None), request)
        return JSONResponse({"message": f"{path} is not documented"}, 418)

    def _list(self, name: str, parent: str | None, request: Request) -> Response:
        facts, query = self.facts[name], request.query_params
        if waiting := self.refusals.get(name):
            refusal = waiting.pop(0)
            return JSONResponse(refusal["body"], refusal["status"], headers=refusal.get("headers"))
        rows = [row for row in self.rows.get((name, parent), []) if self._shown(facts, row, query)]
        paging = facts.paging or {"style": "none"}
        page = STYLES[paging["style"]](rows, paging, request)
        body = _wrapped(_shaped(page.rows, facts), facts.rows_at)
        return JSONResponse({**body, **page.body} if page.body else body, headers=dict(page.headers))

    @staticmethod
    def _shown(facts: Facts, row: Row, query: Mapping[str, str]) -> bool:
        hidden = facts.hidden or {}
        if not hidden.get("unless") or any(row.get(name) != value for name, value in hidden["row"].items()):
            return True
        return all(query.get(name) == str(value) for name, value in hidden["unless"].items())


def _under(facts: Facts, row: Row, number: int) -> Row:
    """Keys of another parent's row: others, unless the parent is a part of the key."""
    if any(name not in row for name in facts.key):
        return {}
    return {name: _another(row[name], 10_000 * number) for name in facts.key}


def _shaped(rows: Sequence[Row], facts: Facts) -> Any:
    """Write rows as objects in a list, as single values in a list, or as the one object there is."""
    if facts.shape == "values":
        return [row[facts.key[0]] for row in rows]
    return rows[0] if facts.shape == "object" else list(rows)


def _wrapped(rows: Any, rows_at: str) -> Any:
    """Put rows where a selector finds them."""
    steps, wrapped = [step for step in rows_at.split(".") if step != "$"], rows
    if "*" in steps:
        at = steps.index("*")
        [inner] = steps[at + 1 :]
        wrapped, steps = [{inner: row} for row in rows], steps[:at]
    for step in reversed(steps):
        wrapped = {step: wrapped}
    return wrapped
