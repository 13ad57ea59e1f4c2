"""From a manifest to tables: over HTTP into DuckDB."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors_dagster.airbyte.manifest import read_manifest
from connectors_dagster.airbyte.translation import translate
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.sandbox import serving
from connectors_dagster.spec.windows import WindowGrid

CREW = Path(__file__).with_name("crew.yaml")
NOW, MOMENT = datetime(2024, 2, 15, tzinfo=UTC), timedelta(microseconds=1)
SHIFTS = {"1": "2024-01-05T10:00:00.500+00:00", "2": "2024-01-31T00:00:00.000+00:00", "3": "2024-02-10T00:00:00+02:00"}

ALWAYS = {"since": "2000-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}


class Crew:
    """The API that the manifest describes; `asked` has the query of each request by path."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.tokens: set[str | None] = set()
        self.excludes_bounds, self.gone = False, "3"
        self.shown: dict[str, str] = {}  # the time that a row shows, where it is not the one that is filtered by
        self.body, self.status = "", 200  # of a response that is not JSON
        self.port = 0

    def app(self) -> Starlette:
        routes = {"/teams": self.teams, "/teams/{id}/members": self.members, "/shifts": self.shifts, "/plan": self.plan}
        return Starlette(routes=[Route(f"/v1{path}", respond) for path, respond in routes.items()])

    def note(self, request: Request) -> dict[str, str]:
        self.asked.append((request.url.path, dict(request.query_params)))
        self.tokens.add(request.headers.get("Authorization"))
        return dict(request.query_params)

    async def teams(self, request: Request) -> JSONResponse:
        query, rows = self.note(request), [{"id": n, "title": f"Team {n}", "size": n} for n in (1, 2, 3)]
        first, size = int(query.get("page", 1)) - 1, int(query["per_page"])
        return JSONResponse({"data": rows[first * size :][:size]} if first < 2 else {})

    async def members(self, request: Request) -> JSONResponse:
        query, team = self.note(request), request.path_params["id"]
        if team == self.gone:
            return JSONResponse({"message": "no such team"}, 404)
        if "second" in query:
            return JSONResponse({"data": [{"id": "b", "of": team}], "links": {}})
        link = f"http://127.0.0.1:{self.port}/v1/teams/{team}/members?second=1"
        return JSONResponse({"data": [{"id": "a", "of": team}], "links": {"next": link}})

    async def shifts(self, request: Request) -> JSONResponse:
        query = self.note(request)
        since, until = (datetime.fromisoformat((ALWAYS | query)[name]) for name in ("since", "until"))
        if self.excludes_bounds:
            since, until = since + MOMENT, until - MOMENT
        within = [
            {"id": id, "changed": self.shown.get(id, at)}
            for id, at in SHIFTS.items()
            if since <= datetime.fromisoformat(at) <= until
        ]
        rest = [row for row in within if row["id"] > query.get("after", "")]
        more = len(rest) > 1
        return JSONResponse({"data": rest[:1], "paging": {"has_more": more, "next": rest[0]["id"] if rest else None}})

    async def plan(self, request: Request) -> Response:
        self.note(request)
        if self.body or self.status != 200:
            return Response(self.body, self.status, media_type="text/plain")
        return JSONResponse({"data": {"code": "pro", "seats": 5}})


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Iterator[Crew]:
    crew = Crew()
    with serving(crew.app()) as crew.port:
        monkeypatch.setenv("SOURCES__CREW__HOST", f"http://127.0.0.1:{crew.port}")
        monkeypatch.setenv("SOURCES__CREW__CREDENTIALS_TOKEN", "t0ken-of-crew")
        yield crew


def load(connector: Any, family: str) -> None:
    resources = list(connector.families[family])
    slices = []
    if resources[0].windowed:
        grid = WindowGrid("P30D", "2024-01-01")
        slices = grid.slices(grid.opened(NOW), now=NOW, lookback=connector.lookback)
    with loading(LoadRequest(now=NOW, resources=resources, slices=slices)) as done:
        for outcome in done.outcomes.values():
            assert not outcome.errors, outcome.errors


def test_the_streams_of_a_manifest_are_loaded_with_their_children_windows_and_settings(crew, warehouse):
    translated = translate(read_manifest(CREW))
    assert [(one.name, one.vendor_name, one.engine, one.reasons) for one in translated.streams] == [
        ("teams", "Teams", "native", ()),
        ("team_members", "teamMembers", "native", ()),
        ("shifts", "shifts", "native", ()),
        ("plan", "plan", "native", ()),
    ]
    for family in ("teams", "shifts", "plan"):
        load(translated.connector, family)
    assert warehouse.query("SELECT id, title, size FROM crew.teams ORDER BY id") == [
        (n, f"Team {n}", n) for n in (1, 2, 3)
    ]
    members = warehouse.query("SELECT _teams_id, id FROM crew.team_members ORDER BY 1, 2")
    assert members == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]
    assert warehouse.ids("crew.shifts") == ["1", "2", "3"]
    assert warehouse.query("SELECT code, seats FROM crew.plan") == [("pro", 5)]
    assert crew.tokens == {"Bearer t0ken-of-crew"}
    first = next(query for path, query in crew.asked if path == "/v1/teams")
    assert first == {"locale": "nl", "verbose": "1", "per_page": "2"}
    asked = {query["since"] for path, query in crew.asked if path == "/v1/shifts"}
    assert asked == {"2023-12-31T23:59:59Z", "2024-01-30T23:59:59Z"}  # rows at the bound may be left out


def test_rows_at_a_bound_are_loaded_although_the_api_leaves_them_out_of_both_windows(crew, warehouse):
    crew.excludes_bounds = True
    load(translate(read_manifest(CREW)).connector, "shifts")
    assert warehouse.ids("crew.shifts") == ["1", "2", "3"]


def test_rows_without_a_key_and_those_of_children_stay_if_a_response_is_ignored(crew, warehouse, tmp_path):
    written = yaml.safe_load(CREW.read_text())
    del written["definitions"]["plan"]["primary_key"]
    (tmp_path / "crew.yaml").write_text(yaml.safe_dump(written))
    connector = translate(read_manifest(tmp_path / "crew.yaml")).connector
    for crew.status, crew.gone in ((200, "3"), (404, "2")):
        load(connector, "plan")
        load(connector, "teams")
    assert warehouse.query("SELECT code FROM crew.plan") == [("pro",)]
    members = warehouse.query("SELECT _teams_id, id FROM crew.team_members ORDER BY 1, 2")
    assert members == [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "a"), (3, "b")]
