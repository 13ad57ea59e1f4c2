"""What the rows of children are requested for, of streams that airbyte-cdk reads: over HTTP into DuckDB."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors_dagster import Connector
from connectors_dagster.airbyte.manifest import read_manifest
from connectors_dagster.cdk.translation import translate_with
from connectors_dagster.sandbox import serving
from tests.cdk.test_load import load
from tests.parity.parts import Part, child, dated, listed, option, stream
from tests.support.airbyte import cdk_python

pytestmark = pytest.mark.cdk
LISTS: Mapping[str, Sequence[Any]] = {"teams": ["t1", "t2"], "clubs": ["c1"], "t1/boards": [1, 2], "t2/boards": [1]}


CHANGED = "2024-02-05T00:00:00Z"


class Tree:
    """An API with teams, clubs, and items of anything; numbers of boards and items are unique in their parent only."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.rows)])

    async def rows(self, request: Request) -> JSONResponse:
        path = request.path_params["path"]
        self.asked.append(path)
        rows = [{"id": key, "place": path, "changed": CHANGED} for key in LISTS.get(path, [1, 2])]
        asked = request.query_params.get("until", "3") > CHANGED
        return JSONResponse({"data": rows if asked else []})


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tree]:
    python, tree = cdk_python(), Tree()
    with serving(tree.app()) as port:
        monkeypatch.setenv("CONNECTORS__AIRBYTE_PYTHON", python)
        monkeypatch.setenv("SOURCES__TREE__HOST", f"http://127.0.0.1:{port}")
        yield tree


def of(name: str, path: str, router: Any, **parts: Any) -> Part:
    """Describe a stream with this path that is requested for what a router yields."""
    return at_host(stream(name, requester={"path": path}, partition_router=router, **parts))


def at_host(written: Part) -> Part:
    """Let a stream be requested from the API of the settings."""
    written["retriever"]["requester"]["url_base"] = "{{ config['host'] }}"
    return written


TEAMS, CLUBS = at_host(stream("teams")), at_host(stream("clubs"))
BOARDS = of("boards", "/{{ stream_partition.team }}/boards", child(TEAMS, name="team"))


def several(*parents: tuple[Part, str]) -> Part:
    """Request a stream for each row of several others."""
    configs = [child(parent, name=name)["parent_stream_configs"][0] for parent, name in parents]
    return {"type": "SubstreamPartitionRouter", "parent_stream_configs": configs}


def translated(folder: Path, written: Part) -> Connector:
    """Translate a manifest with one stream, all streams of which airbyte-cdk reads."""
    properties = {"host": {"type": "string"}, "level": {"type": "string"}}
    spec = {"type": "object", "required": ["host"], "properties": properties}
    manifest = {"version": "7.0.0", "spec": {"type": "Spec", "connection_specification": spec}, "streams": [written]}
    (folder / "tree.yaml").write_text(yaml.safe_dump(manifest))
    connector = translate_with(read_manifest(folder / "tree.yaml"), engine="airbyte").connector
    assert connector
    return connector


def loaded(folder: Path, warehouse: Any, written: Part) -> list[str]:
    """Load a stream twice, and return where its rows are from."""
    connector, name = translated(folder, written), written["name"]
    assert load(connector, name) == load(connector, name) == []
    return list(warehouse.column(f"tree.{name}", "place"))


def test_rows_of_parents_with_one_key_are_several_rows_if_their_own_parents_differ(tree, warehouse, tmp_path):
    path = "/{{ stream_partition.parent_slice.team }}/{{ stream_partition.board }}/cards"
    found = loaded(tmp_path, warehouse, of("cards", path, child(BOARDS, name="board")))
    assert found == ["t1/1/cards", "t1/1/cards", "t1/2/cards", "t1/2/cards", "t2/1/cards", "t2/1/cards"]


def test_rows_that_are_requested_in_the_same_way_for_several_parents_of_parents_are_one(tree, warehouse, tmp_path):
    found = loaded(
        tmp_path, warehouse, of("notes", "/boards/{{ stream_partition.board }}", child(BOARDS, name="board"))
    )
    assert found == ["boards/1", "boards/1", "boards/2", "boards/2"]


@pytest.mark.parametrize("names", [("team", "club"), ("of", "of")])
def test_rows_of_children_of_several_parents_are_several_rows(tree, warehouse, tmp_path, names):
    router = several((TEAMS, names[0]), (CLUBS, names[1]))
    path = "/{{ stream_partition.get('team') or stream_partition.get('club') or stream_partition.of }}/items"
    found = loaded(tmp_path, warehouse, of("items", path, router))
    assert found == ["c1/items", "c1/items", "t1/items", "t1/items", "t2/items", "t2/items"]


def test_rows_of_a_parent_that_has_several_parents_are_several_rows(tree, warehouse, tmp_path):
    router = several((TEAMS, "team"), (CLUBS, "club"))
    boards = of("boards", "/{{ stream_partition.get('team') or stream_partition.get('club') }}/boards", router)
    above = "{{ stream_partition.parent_slice.get('team') or stream_partition.parent_slice.get('club') }}"
    path = f"/{above}/{{{{ stream_partition.board }}}}/cards"
    found = loaded(tmp_path, warehouse, of("cards", path, child(boards, name="board")))
    assert found[::2] == ["c1/1/cards", "c1/2/cards", "t1/1/cards", "t1/2/cards", "t2/1/cards"]


def test_a_union_of_partitions_has_the_rows_of_each_also_if_parents_have_one_name(tree, warehouse, tmp_path):
    others = {**CLUBS, "name": "teams"}
    routers = [child(TEAMS, name="of"), child(others, name="of"), listed("x1", "t1", name="of")]
    union = {"type": "UnionPartitionRouter", "partition_field": "of", "partition_routers": routers}
    found = loaded(tmp_path, warehouse, of("items", "/{{ stream_partition.of }}/items", union))
    assert found[::2] == ["c1/items", "t1/items", "t2/items", "x1/items"]


def test_parents_are_read_once_for_all_windows(tree, warehouse, tmp_path):
    cursor = {**dated(), "start_datetime": "2024-01-01T00:00:00Z"}
    items = of("items", "/items", child(TEAMS, name="of", into=option("of")), incremental_sync=cursor)
    loaded(tmp_path, warehouse, items)
    assert tree.asked.count("teams") == 2


@pytest.mark.parametrize(("level", "rows"), [("all", 2), ("some", 0)])
def test_a_stream_that_the_settings_turn_off_has_no_rows(tree, warehouse, tmp_path, monkeypatch, level, rows):
    monkeypatch.setenv("SOURCES__TREE__LEVEL", level)
    chosen = {"type": "ConditionalStreams", "condition": "{{ config['level'] == 'all' }}"}
    connector = translated(tmp_path, {**chosen, "streams": [at_host(stream("extras"))]})
    assert load(connector, "extras") == load(connector, "extras") == []
    assert warehouse.query("SELECT count(*) FROM tree.extras") == [(rows,)]
