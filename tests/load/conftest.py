"""Resources of a shop with the columns, options and pages of a test, loaded into DuckDB."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import pytest
import yaml

from connectors_dagster import Connector, Cursor, Resource, ResourceOptions, Setting, TimestampFormat
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.spec.options import MissingRows
from connectors_dagster.spec.windows import WindowGrid
from tests.support.rows import NOW
from tests.support.shop import AUTH
from tests.support.wire import Reply, reply

Row = dict[str, Any]
Columns = dict[str, Any] | None
NUMBERED = {"type": "page_number", "base_page": 1, "total_path": None, "stop_after_empty_page": True}
ISO = TimestampFormat()


@pytest.fixture
def declare(tmp_path) -> Callable[..., Resource]:
    """Declare `things` with the columns of a test: ``declare(columns={…}, cursor="t", …)``."""

    def declare_(
        *,
        columns: Columns = None,
        cursor: str | None = None,
        timestamp_format: TimestampFormat = ISO,
        on_duplicate_key: Literal["fail", "last"] = "fail",
        missing_rows: MissingRows | None = None,
        connector: Row | None = None,
        **hints: Any,
    ) -> Resource:
        schema = tmp_path / "shop.schema.yaml"
        schema.write_text(yaml.safe_dump({"tables": {"things": {"columns": columns}} if columns else {}}))
        endpoint: Row = {"path": "/things", "data_selector": "data", "paginator": NUMBERED}
        if cursor:
            endpoint["incremental"] = {"cursor_path": cursor}
        things = {"name": "things", "primary_key": "id", "write_disposition": "merge", **hints, "endpoint": endpoint}
        behaviour = Cursor(timestamp_format=timestamp_format) if cursor else None
        options = ResourceOptions(cursor=behaviour, on_duplicate_key=on_duplicate_key, missing_rows=missing_rows)
        shop = Connector(
            name="shop",
            description="A shop",
            schema=schema,
            resources={"things": options},
            config={"client": {"base_url": Setting("base_url"), "auth": AUTH["bearer"]}, "resources": [things]},
            **(connector or {}),
        )
        return shop.graph["things"]

    return declare_


@pytest.fixture
def load_pages(shop) -> Callable[..., ReadStats]:
    """Load a resource from an API with these pages; returns what was counted."""

    def load_(resource: Resource, *pages: Sequence[Row] | bytes | Reply) -> ReadStats:
        shop.replies = [
            page if callable(page) else reply(page if isinstance(page, bytes) else {"data": page})
            for page in (*pages, [])
        ]
        grid = WindowGrid("P3650D", "2024-01-01")
        slices = grid.slices(grid.opened(NOW), now=NOW, lookback=resource.connector.lookback)
        request = LoadRequest(now=NOW, resources=[resource], slices=slices if resource.windowed else ())
        with loading(request) as load:
            (outcome,) = load.outcomes.values()
            if outcome.error:
                raise outcome.error
            (stats,) = outcome.stats_by_slice.values()
            return stats

    return load_


@pytest.fixture
def load_children(shop, tmp_path, monkeypatch) -> Callable[..., Mapping[str, ReadStats]]:
    """Load orders and their lines: ``load_children(order, …, lines=[lines of the first order, …], columns={…})``."""
    monkeypatch.setenv("SOURCES__SHOP__MAX_PARALLEL_REQUESTS", "1")

    def load_(
        *orders: Row, lines: Sequence[Sequence[Row]], key: Any = "id", columns: Columns = None, **hints: Any
    ) -> Mapping[str, ReadStats]:
        schema = tmp_path / "shop.schema.yaml"
        schema.write_text(yaml.safe_dump({"tables": {"lines": {"columns": columns}} if columns else {}}))
        path = "/orders/{resources.orders.id}/lines"
        of_lines = {"name": "lines", "primary_key": key, "include_from_parent": ["id"], "endpoint": path, **hints}
        common = {"endpoint": {"data_selector": "data", "paginator": "single_page"}, "write_disposition": "merge"}
        connector = Connector(
            name="shop",
            description="A shop",
            schema=schema,
            config={
                "client": {"base_url": Setting("base_url"), "auth": AUTH["bearer"]},
                "resource_defaults": common,
                "resources": [{"name": "orders", "primary_key": "id", "endpoint": "/orders"}, of_lines],
            },
        )
        shop.replies = [reply({"data": page}) for page in (orders, *lines)]
        with loading(LoadRequest(now=NOW, resources=list(connector.graph.values()))) as load:
            if errors := [outcome.error for outcome in load.outcomes.values() if outcome.error]:
                raise errors[0]
            return {name: outcome.stats_by_slice[None] for name, outcome in load.outcomes.items()}

    return load_
