"""A child with a cursor of its own: each window is requested for each row of its parent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors_dagster import Connector, Cursor, Resource, ResourceOptions, Setting, build_definitions
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.orchestration import runs
from connectors_dagster.orchestration.assets import build_assets
from connectors_dagster.orchestration.connector_assets import ConnectorAssets
from connectors_dagster.orchestration.partitions import open_windows
from connectors_dagster.sandbox import serving
from connectors_dagster.spec.windows import WindowGrid

NOW = datetime(2024, 4, 10, tzinfo=UTC)
GRID = WindowGrid("P30D", "2024-01-01")


class Yard:
    """Two gates with visits; the API filters visits by time."""

    def __init__(self) -> None:
        self.gates = ["north", "closed", "south"]
        self.visits = {"north": {1: "2024-01-05", 2: "2024-02-05"}, "south": {1: "2024-01-30", 3: "2024-02-29"}}
        self.asked: list[tuple[str, str, str]] = []

    async def list_gates(self, _: Request) -> JSONResponse:
        self.asked.append(("gates", "", ""))
        return JSONResponse({"data": [{"id": gate, "used": gate != "closed"} for gate in self.gates]})

    async def list_visits(self, request: Request) -> JSONResponse:
        gate, since, until = request.path_params["gate"], request.query_params.get("since", ""), ""
        until = request.query_params.get("until", "9999")
        self.asked.append((gate, since, until))
        found = [{"id": id, "at": f"{at}T08:00:00Z"} for id, at in self.visits[gate].items()]
        return JSONResponse({"data": [row for row in found if since <= row["at"] < until]})


@pytest.fixture
def yard(monkeypatch):
    yard = Yard()
    routes = [Route("/gates", yard.list_gates), Route("/gates/{gate}/visits", yard.list_visits)]
    with serving(Starlette(routes=routes)) as port:
        monkeypatch.setenv("SOURCES__YARD__BASE_URL", f"http://127.0.0.1:{port}")
        yield yard


def build(**incremental: str) -> Connector:
    endpoint: dict[str, Any] = {"data_selector": "data", "paginator": "single_page"}
    visits = {
        **endpoint,
        "path": "/gates/{resources.gates.id}/visits",
        "incremental": {"cursor_path": "at", **incremental},
    }
    hints = {"write_disposition": "merge", "include_from_parent": ["id"], "primary_key": ["_gates_id", "id"]}
    config: Any = {
        "client": {"base_url": Setting("base_url")},
        "resources": [
            {"name": "gates", "primary_key": "id", "endpoint": {**endpoint, "path": "/gates"}},
            {"name": "visits", **hints, "endpoint": visits},
        ],
    }
    resources = {"visits": ResourceOptions(cursor=Cursor(), has_children_field="used")}
    return Connector(name="yard", description="A yard", schema={}, config=config, resources=resources)


def load_slices(visits: Resource, slices: Any) -> Any:
    with loading(LoadRequest(now=NOW, resources=[visits], slices=slices)) as load:
        for outcome in load.outcomes.values():
            assert outcome.errors == []
        return load.outcomes["visits"].stats_by_slice


def slices(count: int) -> Any:
    return GRID.slices(GRID.opened(NOW)[:count], now=NOW, lookback=timedelta(0))


def test_each_window_is_requested_for_each_parent_and_the_parents_once(yard, warehouse):
    visits = build(start_param="since", end_param="until").graph["visits"]
    stats = load_slices(visits, slices(2))
    assert [one.rows for one in stats.values()] == [2, 2]
    first, second = ("2024-01-01T00:00:00Z", "2024-01-31T00:00:00Z"), ("2024-01-31T00:00:00Z", "2024-03-01T00:00:00Z")
    assert sorted(yard.asked) == [
        ("gates", "", ""),
        *(("north", *bounds) for bounds in (first, second)),
        *(("south", *bounds) for bounds in (first, second)),
    ]
    rows = "SELECT _gates_id || id FROM yard.visits ORDER BY 1"
    found = ["north1", "north2", "south1", "south3"]
    assert [row[0] for row in warehouse.query(rows)] == found
    del yard.visits["south"][1], yard.gates[0]
    load_slices(visits, slices(1))
    assert [row[0] for row in warehouse.query(rows)] == found  # what other windows and parents have stays


def test_without_an_upper_bound_all_windows_are_read_together(yard):
    load_slices(build(start_param="since").graph["visits"], slices(2))
    assert sorted(yard.asked)[1:] == [(gate, "2024-01-01T00:00:00Z", "9999") for gate in ("north", "south")]


def test_the_child_is_a_family_with_partitions_and_its_parent_has_none():
    connector = build(start_param="since", end_param="until")
    assert {name: len(family) for name, family in connector.families.items()} == {"gates": 1, "visits": 1}
    graph = build_definitions(connector).get_repository_def().asset_graph
    by_name = {key.path[-1]: graph.get(key) for key in graph.get_all_asset_keys()}
    assert by_name["gates"].partitions_def is None
    assert by_name["visits"].partitions_def is not None
    assert by_name["gates"].key in by_name["visits"].parent_keys


def test_dagster_materializes_a_window_of_the_child(yard, instance, warehouse):
    assets = ConnectorAssets(connector=build(start_param="since", end_param="until"))
    visits = assets.connector.graph["visits"]
    open_windows(instance, GRID, NOW)
    done = (
        dg.Definitions(build_assets(assets))
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            run_config=runs.QUIET,
            instance=instance,
            asset_selection=[assets.key(visits)],
            partition_key=GRID.opened(NOW)[1].key,
            raise_on_error=False,
        )
    )
    assert done.success
    assert warehouse.ids("yard.visits") == [2, 3]
