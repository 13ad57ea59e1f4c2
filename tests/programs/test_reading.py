"""Rows that a program reads: they take the same way as those that this project requests."""

import logging
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors_dagster import Connector, Cursor, ResourceOptions, Secret
from connectors_dagster.errors import ApiError, ForeignOriginError, TransientApiError
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.request_policy import RequestPolicy
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.programs.endpoint import ProgramEndpoint
from connectors_dagster.sandbox import serving
from connectors_dagster.spec.windows import WindowGrid

NOW = datetime(2024, 2, 15, tzinfo=UTC)
TALKER = str(Path(__file__).with_name("talker.py"))
JANUARY, FEBRUARY = "2024-01-01", "2024-01-31"
END: list[Any] = ["end", [1]]


def row(number: int, at: str) -> list[Any]:
    return ["row", {"id": number, "at": at}]


@dataclass(frozen=True)
class Talker:
    """A program that does the steps of each window, by the day on which its request begins."""

    windows: Mapping[str, list[list[Any]]]
    home: str = "http://127.0.0.1:1/v1"
    broken: str = ""
    forks: bool = False
    settings: Mapping[str, Any] = field(default_factory=lambda: {"secret": Secret("token")})

    def command(self) -> list[str]:
        return [sys.executable, "-I", TALKER]

    def job(self, values: Mapping[Any, Any]) -> Mapping[str, Any]:
        return {"windows": self.windows, "secret": values["token"], "broken": self.broken}

    def running(self, *_: Any) -> AbstractContextManager[None]:
        return nullcontext()

    def keep(self, *_: Any) -> None:
        raise AssertionError

    def addresses(self, values: Mapping[Any, Any]) -> list[str]:
        assert values["token"]
        return [self.home]


def connector(program: Any, *, windowed: bool = True) -> Connector:
    incremental = {"incremental": {"cursor_path": "at", "start_param": "start", "end_param": "end"}} if windowed else {}
    endpoint = {"path": "/items", **incremental}
    item = {"name": "items", "primary_key": "id", "write_disposition": "merge", "endpoint": endpoint}
    return Connector(
        name="talks",
        description="A program",
        config={"client": {"base_url": "http://127.0.0.1:1"}, "resources": [item]},
        schema={},
        resources={"items": ResourceOptions(cursor=Cursor())} if windowed else {},
        programs={"items": program},
    )


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__TALKS__TOKEN", "s3cret-of-the-user")


def load(one: Connector) -> list[Exception]:
    """Load all windows and return the errors."""
    resources = list(one.graph.values())
    grid = WindowGrid("P30D", "2024-01-01")
    windowed = resources[0].windowed
    slices = grid.slices(grid.opened(NOW), now=NOW, lookback=one.lookback) if windowed else []
    with loading(LoadRequest(now=NOW, resources=resources, slices=slices)) as done:
        return done.outcomes["items"].errors


def test_rows_go_into_their_windows_and_all_windows_are_read_by_one_process_with_its_log_masked(warehouse, caplog):
    caplog.set_level(logging.INFO)
    program = Talker(
        {
            JANUARY: [row(1, "2024-01-05T00:00:00Z"), row(9, "2023-12-31T23:59:59Z"), ["end", [2]]],
            FEBRUARY: [row(2, "2024-02-01T00:00:00Z"), END],
        }
    )
    assert load(connector(program)) == []
    assert warehouse.ids("talks.items") == [1, 2]
    said = [record.getMessage() for record in caplog.records if "begins with" in record.getMessage()]
    assert said == ["talks/items: begins with ***"]


def test_a_window_that_fails_leaves_the_others(warehouse):
    program = Talker(
        {JANUARY: [row(1, "2024-01-05T00:00:00Z"), ["failed", ["it says s3cret-of-the-user", False]]],
         FEBRUARY: [row(2, "2024-02-01T00:00:00Z"), END]}
    )  # fmt: skip
    [error] = load(connector(program))
    assert str(error) == "talks/items window 2024-01-01: it says ***" and not isinstance(error, TransientApiError)
    assert warehouse.ids("talks.items") == [2]


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        (
            [row(1, "2024-01-05T00:00:00Z"), ["die", 7]],
            "the program that reads it ended with status 7: begins with ***",
        ),
        ([row(1, "2024-01-05T00:00:00Z"), ["end", [2]]], "the program wrote 2 rows, of which 1 arrived"),
    ],
)
def test_a_program_that_dies_in_the_middle_or_loses_a_row_fails_the_load(steps, what, warehouse):
    [error] = load(connector(Talker({"": steps}), windowed=False))
    assert isinstance(error, ApiError) and str(error) == f"talks/items: {what}"


def test_a_program_that_cannot_begin_says_why(warehouse):
    [error] = load(connector(Talker({}, broken="no such stream"), windowed=False))
    assert str(error) == "talks/items: no such stream"


def test_requests_go_only_to_origins_that_the_program_declares(warehouse):
    app = Starlette(routes=[Route("/v1/items", lambda _: JSONResponse([{"id": 5}]))])
    with serving(app) as port:
        home = f"http://127.0.0.1:{port}/v1/items"
        good = Talker({"": [["get", home], END]}, home=home)
        assert load(connector(good, windowed=False)) == []
        assert warehouse.ids("talks.items") == [5]
        [error] = load(connector(Talker({"": [["get", f"{home}?token=t0ken-of-the-program"]]}), windowed=False))
    assert isinstance(error, ForeignOriginError)
    refused = f"{home}?token=*** is not requested, because its origin is none of http://127.0.0.1:1"
    assert str(error) == f"talks/items: {refused}"


def test_a_program_ends_with_the_read_that_started_it():
    program = Talker({"": [row(1, "2024-01-05T00:00:00Z")] * 1_000 + [["sleep", 0]]})
    resource = connector(program, windowed=False).graph["items"]
    endpoint = ProgramEndpoint(resource, program, {Secret("token"): "s3cret-of-the-user"})
    policy = RequestPolicy(base_url="http://127.0.0.1:1")
    pages = endpoint.pages(endpoint.open_session(policy, ReadStats(), "items"))
    assert len(next(pages)) == 1_000
    assert endpoint.process is not None
    pid = endpoint.process.pid
    pages.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
