"""A small API of one list, whose cursors and bounds a test configures, and a connector to read it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors_dagster import Connector, Cursor, Resource, ResourceOptions
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.read.connection import connect
from connectors_dagster.read.reader import ResourceReader
from connectors_dagster.rows.raw_json import decode_row
from connectors_dagster.sandbox import serving
from connectors_dagster.spec.windows import Slice
from tests.support.rows import NOW

Bound = Literal["inclusive", "exclusive"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Feed:
    """Serves rows changed between `after` and `before`; `asked` lists the query parameters of all requests.

    Args:
        lower: whether a row exactly at `after` is in the response.
        upper: whether a row exactly at `before` is in the response.
        hides_undated: whether a filter omits rows without a cursor.
        grain: the granularity to which the API truncates timestamps before it compares them.
        read: parses a bound.
    """

    lower: Bound = "inclusive"
    upper: Bound = "exclusive"
    hides_undated: bool = False
    grain: timedelta = timedelta(microseconds=1)
    read: Callable[[str], datetime] = datetime.fromisoformat
    rows: dict[Any, tuple[datetime | None, dict[str, Any]]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    def put(self, id: int, at: datetime | None, /, **fields: Any) -> None:
        """Add or replace a row that changed at `at`, even if its fields have other times."""
        self.rows[id] = (at, {"id": id, **fields})

    @contextmanager
    def served(self) -> Iterator["Feed"]:
        with serving(Starlette(routes=[Route("/changes", self._respond)])) as self.port:
            yield self

    async def _respond(self, request: Request) -> JSONResponse:
        self.asked.append(dict(request.query_params))
        after, before = (self._bound(request, name) for name in ("after", "before"))
        return JSONResponse([row for at, row in self.rows.values() if self._within(at, after, before)])

    def _bound(self, request: Request, name: str) -> datetime | None:
        text = request.query_params.get(name)
        bound = None if text is None else self.read(text)
        return bound.replace(tzinfo=UTC) if bound and bound.tzinfo is None else bound

    def _within(self, at: datetime | None, after: datetime | None, before: datetime | None) -> bool:
        if at is None:
            return not self.hides_undated or after is before is None
        at -= (at - EPOCH) % self.grain
        late_enough = after is None or at > after or (self.lower == "inclusive" and at == after)
        return late_enough and (before is None or at < before or (self.upper == "inclusive" and at == before))


def build_connector(
    folder: Path, feed: Feed, cursor: Cursor, *, path: str = "at", column: str = "timestamp", bounds: str = "both"
) -> Connector:
    """Declare a connector for a feed that filters by `both` bounds, by `lower` only or by `none`.

    With `written`, the parameters contain both as dlt's placeholders.
    """
    schema = folder / "feed.schema.yaml"
    columns = {"id": {"data_type": "bigint", "nullable": False}, "at": {"data_type": column}}
    schema.write_text(yaml.safe_dump({"tables": {"changes": {"columns": columns}}}))
    named = {"lower": {"start_param": "after"}, "both": {"start_param": "after", "end_param": "before"}}
    placeholders = {"after": "{incremental.start_value}", "before": "{incremental.end_value}"}
    endpoint: Any = {
        "path": "/changes",
        "paginator": "single_page",
        "params": placeholders if bounds == "written" else {},
        "incremental": {"cursor_path": path, **named.get(bounds, {})},
    }
    return Connector(
        name="feed",
        description="What changed, and when",
        schema=schema,
        resources={"changes": ResourceOptions(cursor=cursor)},
        config={
            "client": {"base_url": f"http://127.0.0.1:{feed.port}"},
            "resources": [{"name": "changes", "primary_key": "id", "write_disposition": "merge", "endpoint": endpoint}],
        },
    )


def load_slices(resource: Resource, slices: Sequence[Slice]) -> Mapping[Slice | None, ReadStats]:
    """Load slices of a resource; returns the counts of each."""
    with loading(LoadRequest(now=NOW, resources=[resource], slices=slices)) as load:
        (outcome,) = load.outcomes.values()
        if outcome.errors:
            raise outcome.errors[0]
        return outcome.stats_by_slice


def read_slices(connector: Connector, slices: Sequence[Slice]) -> tuple[list[int], list[Any]]:
    """Read slices without loading them; returns the numbers of rows by window and the sorted ids of all.

    Raises:
        ApiError: at least one window cannot be read.
    """
    (resource,) = connector.graph.values()
    reading = ResourceReader(resource=resource, connection=connect(connector), slices=slices)
    ids = sorted(decode_row(row)["id"] for rows, _ in reading.pages() for row in rows)
    for error in reading.failed.errors.values():
        raise error
    return [stats.rows for stats in reading.stats_by_slice.values()], ids
