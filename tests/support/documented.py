"""A server that behaves as documented: paths, pages, rows and errors of tests/facts/<connector>.yaml."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from connectors_dagster import Connector, Resource, Secret
from connectors_dagster.sandbox import serving
from tests.support.paging import STYLES, first_query
from tests.support.sheets import Facts, Row, facts_of, read_facts

PREFIX = "/the/api"
PARENTS = 2


@dataclass(frozen=True)
class Received:
    """One request as it arrived; `query` lacks the parameter that says of which parent rows are requested."""

    resource: str
    target: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass
class Documented:
    """A server with the documented paths and pages of one connector; `requests` lists what it receives.

    `rows` are its rows, by resource and by the parent's value in the path. `refusals` are errors by resource, each
    returned once instead of rows.
    """

    facts: Mapping[str, Facts] = field(default_factory=dict)
    rows: dict[tuple[str, str | None], list[Row]] = field(default_factory=dict)
    refusals: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    requests: list[Received] = field(default_factory=list)
    port: int = 0
    connector: str = ""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PREFIX}"

    @contextmanager
    def served(self) -> Iterator["Documented"]:
        with serving(self) as self.port:
            yield self

    def settings(self, connector: Connector) -> dict[str, str]:
        """Return a value for every setting: a different one for each, and the address as base URL."""
        texts = {setting: f"{connector.name}/{setting}+of+a+test" for setting in connector.settings}
        return {**texts, **({"base_url": self.base_url} if "base_url" in texts else {})}

    def secrets(self, connector: Connector) -> list[str]:
        return [value for setting, value in self.settings(connector).items() if isinstance(setting, Secret)]

    def begin(self, resource: Resource) -> Facts:
        """Forget everything and become the API of this resource; return its facts."""
        named = {r.name: facts_of(r) for r in (resource, resource.parent) if r}
        self.facts, self.rows, self.refusals, self.requests = named, {}, {}, []
        self.connector = resource.connector.name
        return named[resource.name]

    def put(self, resource: Resource, rows: Sequence[Row]) -> list[Row]:
        """Serve these rows; rows of a child are put under two parents. Return all rows served."""
        facts = self.facts[resource.name]
        if resource.parent is None:
            self.rows[resource.name, None] = list(rows)
            return list(rows)
        parents = self.facts[resource.parent.name].rows(PARENTS, whole=True)
        self.rows[resource.parent.name, None] = parents
        there = []
        for number, parent in enumerate(parents):
            mine = [facts.under(row, number) for row in rows]
            self.rows[resource.name, str(parent[facts.parent_field])] = mine
            there += mine
        return there

    def requests_for(self, resource: Resource) -> list[Received]:
        """List the requests for a resource, in order."""
        return [request for request in self.requests if request.resource == resource.name]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._response(Request(scope, receive))(scope, receive, send)

    def _response(self, request: Request) -> Response:
        path = request.url.path.removeprefix(PREFIX)
        for name, facts in self.facts.items():
            pattern = re.sub(r"\\{\w+\\}", "([^/]+)", re.escape(facts.path))
            if found := re.fullmatch(pattern, path):
                target = str(request.url).partition(PREFIX)[2]
                query = dict(request.query_params)
                first = first_query(request, facts.paging or {})
                [parent] = [first.get(one) for one in facts.parent_param] or [next(iter(found.groups()), None)]
                own = {one: value for one, value in query.items() if one not in facts.parent_param}
                self.requests.append(Received(name, target, own, dict(request.headers)))
                return self._list(name, parent, request, first)
        known = read_facts(self.connector).get("no_route", {})
        return JSONResponse(known.get("body", {"message": f"{path} is not documented"}), known.get("status", 418))

    def _list(self, name: str, parent: str | None, request: Request, query: Mapping[str, str]) -> Response:
        facts = self.facts[name]
        if waiting := self.refusals.get(name):
            refusal = waiting.pop(0)
            return JSONResponse(refusal["body"], refusal["status"], headers=refusal.get("headers"))
        listed = enumerate(self.rows.get((name, parent), []))
        rows = [row for number, row in listed if facts.in_list(number, query)]
        rows = [row for row in rows if facts.shows(row, query)]
        paging = facts.paging or {"style": "none"}
        page = STYLES[paging["style"]](rows, paging, request)
        body = _wrapped(_shaped(page.rows, facts), facts.rows_at)
        return JSONResponse({**body, **page.body} if page.body else body, headers=dict(page.headers))


def _shaped(rows: Sequence[Row], facts: Facts) -> Any:
    """Write rows as a list of objects, as a list of single values, or as one object."""
    if facts.shape == "values":
        return [row[facts.key[0]] for row in rows]
    return rows[0] if facts.shape == "object" else list(rows)


def _wrapped(rows: Any, rows_at: str) -> Any:
    """Put rows where the selector finds them."""
    steps, wrapped = [step for step in rows_at.split(".") if step != "$"], rows
    if "*" in steps:
        at = steps.index("*")
        [inner] = steps[at + 1 :]
        wrapped, steps = [{inner: row} for row in rows], steps[:at]
    for step in reversed(steps):
        wrapped = {step: wrapped}
    return wrapped
