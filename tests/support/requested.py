"""An API that answers each request with what a function returns, and a load of some of its windows."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors_dagster import Connector, ResourceOptions
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.load.pipeline import Load, loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.sandbox import serving
from connectors_dagster.spec.windows import Slice, WindowGrid
from tests.support.rows import NOW

GRID = WindowGrid("P30D", "2024-01-01")


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass
class Requested:
    """Responds with what `answer` returns: a response, or the body of one. `asked` has the requests."""

    answer: Callable[[Asked], Any] = lambda _: {"data": []}
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def served(self) -> Iterator["Requested"]:
        with serving(Starlette(routes=[Route("/{path:path}", self._respond, methods=["GET", "POST"])])) as port:
            self.url = f"http://127.0.0.1:{port}"
            yield self

    async def _respond(self, request: Request) -> Response:
        body = await request.body()
        asked = Asked(
            request.url.path, dict(request.query_params), dict(request.headers), json.loads(body) if body else None
        )
        self.asked.append(asked)
        found = self.answer(asked)
        return found if isinstance(found, Response) else JSONResponse(found)


def connector_of(
    folder: Path, url: str, *resources: Mapping[str, Any], columns: Any = None, options: Any = None, **more: Any
) -> Connector:
    """Declare a connector of resources; `columns` and `options` are by resource."""
    schema = folder / "shop.schema.yaml"
    declared = {name: {"columns": found} for name, found in (columns or {}).items()}
    schema.write_text(yaml.safe_dump({"tables": declared}))
    client = {"base_url": url, "paginator": "single_page", **more.pop("client", {})}
    config: Any = {
        "client": client,
        "resource_defaults": {"endpoint": {"data_selector": "data"}},
        "resources": list(resources),
    }
    found: Mapping[str, ResourceOptions] = options or {}
    return Connector(name="shop", description="A shop", schema=schema, config=config, resources=found, **more)


def slices_of(connector: Connector, windows: Sequence[str]) -> list[Slice]:
    """Return the slices of windows, from their start; of all that have started if none are named."""
    wanted = [window for window in GRID.opened(NOW) if not windows or window.key in windows]
    return GRID.slices(wanted, now=NOW, lookback=connector.lookback)


def load_resources(
    connector: Connector, *windows: str, failing: bool = False, slices: Sequence[Slice] | None = None, **how: Any
) -> Mapping[str, Mapping[Slice | None, ReadStats]]:
    """Load all resources of a connector, or some windows of them; returns what was counted.

    Raises:
        Exception: the first error, unless it is `failing` on purpose.
    """
    resources = list(connector.graph.values())
    wanted = slices_of(connector, windows) if slices is None else slices
    request = LoadRequest(now=NOW, resources=resources, slices=wanted if resources[0].windowed else (), **how)
    with loading(request) as load:
        errors = errors_of(load)
        if errors and not failing:
            raise errors[0]
        return {name: outcome.stats_by_slice for name, outcome in load.outcomes.items()}


def errors_of(load: Load) -> list[Exception]:
    """Return the errors of a load."""
    return [error for outcome in load.outcomes.values() for error in outcome.errors]
