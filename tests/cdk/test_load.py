"""Streams that airbyte-cdk reads in a process of its own: over HTTP into DuckDB."""

import json
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

from connectors_dagster import Connector
from connectors_dagster.airbyte.manifest import read_manifest
from connectors_dagster.cdk.stream import CHILD
from connectors_dagster.cdk.translation import translate_with
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.sandbox import serving
from connectors_dagster.spec.windows import WindowGrid
from tests.airbyte.test_load import CREW, NOW, Crew
from tests.support.airbyte import cdk_python

pytestmark = pytest.mark.cdk
PYTHON = """\
from airbyte_cdk.sources.declarative.transformations import RecordTransformation

class Shout(RecordTransformation):
    def transform(self, record, config=None, stream_state=None, stream_slice=None):
        print("this is not a row")
        record["code"] = record["code"].upper()
"""


class Authority(Crew):
    """The same API, which also gives tokens; each refresh token can be used once, and access tokens expire at once."""

    def __init__(self) -> None:
        super().__init__()
        self.refreshed: list[str] = []

    def app(self) -> Starlette:
        app = super().app()
        app.add_route("/token", self.token, methods=["POST"])
        return app

    async def token(self, request: Request) -> JSONResponse:
        given = dict(parse_qsl((await request.body()).decode()))
        self.refreshed.append(given["refresh_token"])
        number = len(self.refreshed)
        return JSONResponse(
            {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": -5}
        )


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    python, crew = cdk_python(), Authority()
    with serving(crew.app()) as crew.port:
        monkeypatch.setenv("CONNECTORS__AIRBYTE_PYTHON", python)
        monkeypatch.setenv("SOURCES__CREW__HOST", f"http://127.0.0.1:{crew.port}")
        monkeypatch.setenv("SOURCES__CREW__CREDENTIALS_TOKEN", "t0ken-of-crew")
        yield crew


def load(connector: Any, name: str) -> list[Exception]:
    """Load a resource in all windows and return the errors."""
    resource = connector.graph[name]
    grid = WindowGrid("P30D", "2024-01-01")
    slices = grid.slices(grid.opened(NOW), now=NOW, lookback=connector.lookback) if resource.windowed else []
    with loading(LoadRequest(now=NOW, resources=[resource], slices=slices)) as done:
        return done.outcomes[name].errors


def test_windows_and_children_are_read_as_their_manifest_says(crew, warehouse):
    connector = translate_with(read_manifest(CREW), engine="airbyte").connector
    assert connector is not None
    assert load(connector, "shifts") == load(connector, "team_members") == []
    assert warehouse.ids("crew.shifts") == ["1", "2", "3"]
    bounds = [(query["since"], query["until"]) for path, query in crew.asked if path == "/v1/shifts"]
    assert sorted(set(bounds)) == [
        ("2023-12-31T23:59:59Z", "2024-01-31T00:00:00Z"),
        ("2024-01-30T23:59:59Z", "2024-03-01T00:00:00Z"),
    ]
    members = warehouse.query("SELECT _team_id, id FROM crew.team_members ORDER BY 1, 2")
    assert members == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]
    assert crew.tokens == {"Bearer t0ken-of-crew"}


BOUNDS = "{{ stream_interval.start_time }}-{{ stream_interval['end_time'] }}"


@pytest.mark.parametrize(
    ("place", "asking"),
    [
        ("creation_requester", {"request_body_json": {"of": BOUNDS}}),
        ("requester", {"url": f"https://a.example/{BOUNDS}"}),
    ],
)
def test_a_job_or_an_address_that_has_the_bounds_of_a_window_is_requested_for_a_window(tmp_path, place, asking):
    retriever = {"type": "AsyncRetriever", place: {"$ref": "#/definitions/requester", **asking}}
    connector = shifts(tmp_path, cursor=dict.fromkeys(("start_time_option", "end_time_option")), retriever=retriever)
    assert connector.graph["shifts"].filtered


def test_rows_at_a_bound_are_loaded_although_the_api_leaves_them_out_of_both_windows(crew, warehouse):
    crew.excludes_bounds = True
    connector = translate_with(read_manifest(CREW), engine="airbyte").connector
    assert connector is not None and load(connector, "shifts") == []
    assert warehouse.ids("crew.shifts") == ["1", "2", "3"]


def changed(folder: Path, **stream: Any) -> Path:
    """Write a manifest with one stream, which is that of the plan with changes."""
    written = yaml.safe_load(CREW.read_text())
    written["streams"] = [{"$ref": "#/definitions/plan", **stream}]
    (folder / "crew.yaml").write_text(yaml.safe_dump(written))
    return folder / "crew.yaml"


def shifts(folder: Path, *added: tuple[str, str], cursor: Mapping[str, Any] = {}, **stream: Any) -> Connector:
    """Translate a manifest whose only stream is that of the shifts, with fields that are added and other changes."""
    written = yaml.safe_load(CREW.read_text())
    found = written["definitions"]["shifts"]
    sync = {name: value for name, value in {**found["incremental_sync"], **cursor}.items() if value}
    fields = [{"type": "AddedFieldDefinition", "path": path.split("."), "value": value} for path, value in added]
    changes = {"transformations": [{"type": "AddFields", "fields": fields}]} if fields else {}
    changed = {**found, "incremental_sync": sync, **changes, **stream}
    written["streams"] = [{name: value for name, value in changed.items() if value}]
    (folder / "crew.yaml").write_text(yaml.safe_dump(written))
    connector = translate_with(read_manifest(folder / "crew.yaml"), engine="airbyte").connector
    assert connector
    return connector


@pytest.mark.parametrize(
    "value", ["{{ now_utc().strftime('%Y-%m-%dT%H:%M:%SZ') }}", "{{ record.changed[:7] }}-01T00:00:00Z"]
)
def test_a_stream_whose_cursor_is_computed_is_read_whole(crew, warehouse, tmp_path, value):
    connector = shifts(tmp_path, ("at", value), cursor={"cursor_field": "at", "step": "P1M"})
    assert load(connector, "shifts") == []
    assert warehouse.ids("crew.shifts") == ["1", "2", "3"]


def test_rows_that_are_in_no_window_that_they_are_requested_for_fail_the_load(crew, warehouse, tmp_path):
    crew.shown = {"1": "2024-02-03T00:00:00.000+00:00"}  # the API filters by another time than the cursor
    [error] = load(shifts(tmp_path), "shifts")
    assert "whose cursor 'changed' is '2024-02-03T00:00:00.000+00:00'" in str(error)
    assert "null reads the stream whole" in str(error)
    whole = dict.fromkeys(("start_time_option", "end_time_option"))
    assert load(shifts(tmp_path, cursor=whole), "shifts") == []
    assert warehouse.ids("crew.shifts") == ["1", "2", "3"]


def test_a_key_inside_of_objects_is_a_column_of_its_own(crew, warehouse, tmp_path):
    connector = shifts(tmp_path, ("of.id", "{{ record.id }}"), primary_key=[["of", "id"]])
    assert load(connector, "shifts") == load(connector, "shifts") == []
    assert warehouse.query("SELECT _of_id FROM crew.shifts ORDER BY 1") == [(1,), (2,), (3,)]


def test_equal_rows_of_several_parents_are_several_rows_also_without_a_key(crew, warehouse, tmp_path):
    written = yaml.safe_load(CREW.read_text())
    without = {"type": "RemoveFields", "field_pointers": [["of"]]}
    members = {**written["definitions"]["members"], "transformations": [without]}
    del members["primary_key"]
    written["streams"] = [{"$ref": "#/definitions/teams"}, members]
    (tmp_path / "crew.yaml").write_text(yaml.safe_dump(written))
    connector = translate_with(read_manifest(tmp_path / "crew.yaml"), engine="airbyte").connector
    assert connector and load(connector, "team_members") == []
    rows = warehouse.query("SELECT _team_id, id FROM crew.team_members ORDER BY 1, 2")
    assert rows == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("decoder", "body"),
    [
        ("JsonDecoder", '{"data": [{"code": "pro"}'),
        ("JsonDecoder", "<html>busy</html>"),
        ("JsonlDecoder", '{"code": "pro"}\n{"code": "ba'),
        ("XmlDecoder", "<plan><code>pro</code>"),
    ],
)
def test_a_successful_response_that_cannot_be_read_fails_the_load(crew, warehouse, tmp_path, decoder, body):
    crew.body = body
    selector = {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": []}}
    plan = yaml.safe_load(CREW.read_text())["definitions"]["plan"]["retriever"]
    file = changed(tmp_path, retriever={**plan, "record_selector": selector, "decoder": {"type": decoder}})
    translated = translate_with(read_manifest(file), engine="airbyte")
    assert translated.connector
    [error] = load(translated.connector, "plan")
    assert "a response with a status of success cannot be read" in str(error)


@pytest.mark.parametrize("row", [["end", 0], "text", None])
def test_a_row_that_is_no_object_fails_the_load_and_is_no_message(crew, warehouse, tmp_path, row):
    crew.body = json.dumps({"data": [{"code": "pro"}, row, {"code": "basic"}]})
    translated = translate_with(read_manifest(changed(tmp_path)), engine="airbyte")
    assert translated.connector
    [error] = load(translated.connector, "plan")
    assert str(error).startswith("crew/plan: ") and "a row is not an object" in str(error)


def test_rows_without_a_key_stay_if_a_response_is_ignored(crew, warehouse, tmp_path):
    written = yaml.safe_load(CREW.read_text())
    del written["definitions"]["plan"]["primary_key"]
    (tmp_path / "crew.yaml").write_text(yaml.safe_dump(written))
    connector = translate_with(read_manifest(tmp_path / "crew.yaml"), engine="airbyte").connector
    for crew.status in (200, 404):
        assert connector and load(connector, "plan") == []
    assert warehouse.query("SELECT code FROM crew.plan") == [("pro",)]


def test_requests_without_an_end_are_made_once_for_all_windows(crew, warehouse, tmp_path):
    assert load(shifts(tmp_path, cursor={"end_time_option": None}), "shifts") == []
    assert warehouse.ids("crew.shifts") == ["1", "2", "3"]
    assert {(query["since"], query.get("until")) for _, query in crew.asked} == {("2023-12-31T23:59:59Z", None)}


@pytest.mark.parametrize(("path", "key"), [("read.at", None), ("at", "at")], ids=["in an object", "as key"])
def test_rows_whose_only_identity_differs_each_time_are_not_there_twice(crew, warehouse, tmp_path, path, key):
    value = "{{ generate_uuid() }}" if key else "{{ now_utc() }}"
    connector = shifts(tmp_path, (path, value), primary_key=key)
    assert load(connector, "shifts") == load(connector, "shifts") == []
    assert warehouse.ids("crew.shifts") == ["1", "2", "3"]


def test_a_child_with_a_cursor_of_its_own_is_read_by_window_and_its_parents_once(crew, warehouse, tmp_path):
    written = yaml.safe_load(CREW.read_text())
    stream = {
        **written["definitions"]["members"],
        "incremental_sync": written["definitions"]["shifts"]["incremental_sync"],
    }
    file = tmp_path / "crew.yaml"
    file.write_text(yaml.safe_dump({**written, "streams": [{"$ref": "#/definitions/teams"}, stream]}))
    translated = translate_with(read_manifest(file), engine="airbyte")
    assert translated.connector and load(translated.connector, "team_members") == []
    parents = [query for path, query in crew.asked if path == "/v1/teams"]
    assert [query.get("page") for query in parents] == [None, "2"]
    children = [(path, query.get("since")) for path, query in crew.asked if path == "/v1/teams/1/members"]
    assert {since for _, since in children} == {"2023-12-31T23:59:59Z", "2024-01-30T23:59:59Z"}


def test_the_connectors_own_python_runs_if_it_is_trusted_and_what_it_prints_is_no_row(crew, warehouse, tmp_path):
    shout = {"type": "CustomTransformation", "class_name": "source_crew.components.Shout"}
    file = changed(tmp_path, transformations=[shout])
    (tmp_path / "components.py").write_text(PYTHON)
    [refused] = translate_with(read_manifest(file)).streams
    assert refused.engine == "none" and "only runs with trust_python" in str(refused.reasons[0])
    translated = translate_with(read_manifest(file), trust_python=True)
    assert translated.connector and load(translated.connector, "plan") == []
    assert warehouse.query("SELECT code, seats FROM crew.plan") == [("PRO", 5)]


def test_python_that_no_row_depends_on_is_not_needed(crew, warehouse, tmp_path):
    idle = {
        "schema_loader": {"type": "CustomSchemaLoader", "class_name": "source_crew.components.Columns"},
        "state_migrations": [{"type": "CustomStateMigration", "class_name": "source_crew.components.OldState"}],
    }
    file = changed(tmp_path, **idle)
    translated = translate_with(read_manifest(file), engine="airbyte")
    assert translated.connector and load(translated.connector, "plan") == []
    assert warehouse.query("SELECT code, seats FROM crew.plan") == [("pro", 5)]
    written = yaml.safe_load(file.read_text())
    selector = {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": []}}
    retriever = {"record_selector": {**selector, "schema_normalization": "Default"}}
    written["streams"][0]["retriever"] = {**written["definitions"]["plan"]["retriever"], **retriever}
    file.write_text(yaml.safe_dump(written))
    [needed] = translate_with(read_manifest(file), engine="airbyte").streams
    assert needed.engine == "none" and "source_crew.components.Columns" in str(needed.reasons[0])


def test_rows_are_cast_to_the_schema_beside_the_manifest_and_not_read_without_it(crew, warehouse, tmp_path):
    plan = yaml.safe_load(CREW.read_text())["definitions"]["plan"]["retriever"]
    selector = {**plan["record_selector"], "schema_normalization": "Default"}
    loader = {"type": "JsonFileSchemaLoader", "file_path": "./source_crew/schemas/plan.json"}
    file = changed(tmp_path, retriever={**plan, "record_selector": selector}, schema_loader=loader)
    [missing] = translate_with(read_manifest(file)).streams
    assert missing.engine == "none" and "schemas/plan.json" in str(missing.reasons[0])
    (tmp_path / "schemas").mkdir()
    schema = {"type": "object", "properties": {"code": {"type": "string"}, "seats": {"type": "string"}}}
    (tmp_path / "schemas" / "plan.json").write_text(json.dumps(schema))
    translated = translate_with(read_manifest(file))
    assert translated.connector and load(translated.connector, "plan") == []
    assert warehouse.query("SELECT code, seats FROM crew.plan") == [("pro", "5")]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("{{ stream_state.get('since') }}", "an expression over stream_state, which airbyte-cdk no longer knows"),
        ("{{ record.code | regex_find('x') }}", "an expression that cannot be read"),
        ("{{ record.code) }}", "an expression that cannot be read"),
    ],
    ids=["state", "no such filter", "no expression"],
)
def test_a_stream_with_an_expression_that_airbyte_cdk_cannot_read_is_not_read(tmp_path, value, reason):
    added = {"type": "AddedFieldDefinition", "path": ["added"], "value": value}
    file = changed(tmp_path, transformations=[{"type": "AddFields", "fields": [added]}])
    [refused] = translate_with(read_manifest(file)).streams
    assert refused.engine == "none" and str(refused.reasons[0]).startswith(reason)


def test_a_request_option_with_two_places_is_not_read(tmp_path):
    written = yaml.safe_load(CREW.read_text())
    size = written["definitions"]["pages"]["page_size_option"]
    size["field_path"] = ["data"]
    (tmp_path / "crew.yaml").write_text(yaml.safe_dump({**written, "streams": [{"$ref": "#/definitions/teams"}]}))
    [refused] = translate_with(read_manifest(tmp_path / "crew.yaml")).streams
    assert refused.engine == "none"
    assert str(refused.reasons[0]) == "field_name and field_path in one request option: ['per_page', ['data']]"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the memory of a process in this way")
def test_a_process_that_needs_more_memory_than_it_may_have_fails_the_load(crew, tmp_path, monkeypatch):
    monkeypatch.setenv("CONNECTORS__AIRBYTE_MEMORY", "400000000")
    greedy = {"type": "CustomTransformation", "class_name": "source_crew.components.Shout"}
    (tmp_path / "components.py").write_text(PYTHON.replace('print("this is not a row")', "bytearray(10**9)"))
    translated = translate_with(read_manifest(changed(tmp_path, transformations=[greedy])), trust_python=True)
    assert translated.connector
    [error] = load(translated.connector, "plan")
    assert str(error) == "crew/plan: it needs more memory than CONNECTORS__AIRBYTE_MEMORY allows"


def test_an_error_names_the_stream_and_shows_no_secret(crew, tmp_path):
    broken = {"type": "AddFields", "fields": [{"path": ["x"], "value": "{{ nothing_known }} {{ config }}"}]}
    flat = {"type": "FlattenFields"}
    translated = translate_with(read_manifest(changed(tmp_path, transformations=[broken, flat])))
    assert translated.connector
    [error] = load(translated.connector, "plan")
    assert str(error).startswith("crew/plan: ") and "t0ken" not in str(error)


def test_the_process_of_airbyte_cdk_ends_if_nobody_is_there_any_more():
    with subprocess.Popen([cdk_python(), "-I", str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin
        child.stdin.close()
        assert child.wait(timeout=60) == 3


def test_a_refresh_token_that_is_another_one_after_each_use_is_kept_for_the_next_load(crew, tmp_path, project):
    written = yaml.safe_load(CREW.read_text())
    written["definitions"]["requester"]["authenticator"] = {
        "type": "OAuthAuthenticator",
        "token_refresh_endpoint": "{{ config['host'] }}/token",
        "client_id": "crew",
        "client_secret": "{{ config['credentials']['token'] }}",
        "refresh_token": "{{ config['credentials']['token'] }}",
        "refresh_token_updater": {"refresh_token_config_path": ["credentials", "token"]},
    }
    written["streams"] = [{"$ref": "#/definitions/plan"}]
    (tmp_path / "crew.yaml").write_text(yaml.safe_dump(written))
    for _ in (1, 2):
        connector = translate_with(read_manifest(tmp_path / "crew.yaml"), engine="airbyte").connector
        assert connector and load(connector, "plan") == []
    assert len(crew.refreshed) >= 2
    assert crew.refreshed == ["t0ken-of-crew", *(f"refresh-{number}" for number in range(1, len(crew.refreshed)))]
    [file] = (project / ".connectors" / "tokens").glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
