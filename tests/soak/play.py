"""Plays an episode: loads while rows change, refreshes when it is quiet, and compares the table with the API."""

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import yaml

from connectors_dagster import Connector, Cursor, Resource, ResourceOptions, Retry, Setting
from connectors_dagster.errors import ApiError
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.load.pipeline import loading
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.spec.windows import Slice, WindowGrid
from tests.soak.episode import Episode, draw_episode
from tests.soak.shop import START, Shop, serving

GRID = WindowGrid("P30D", START.date().isoformat())
COLUMNS = {
    "id": {"data_type": "bigint", "nullable": False},
    "at": {"data_type": "timestamp"},
    "state": {"data_type": "bigint"},
}

PARTS = {
    "name": "parts",
    "primary_key": "id",
    "include_from_parent": ["id"],
    "write_disposition": "merge",
    "endpoint": {
        "path": "/things/{resources.things.id}/parts",
        "data_selector": "data",
        "paginator": "single_page",
        "response_actions": [{"status_code": 404, "action": "ignore"}],
    },
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an episode ended: `refused` has the errors of the reads during which rows moved; `wrong` is empty if all
    rows are right after the quiet refresh.
    """

    episode: Episode
    refused: tuple[str, ...] = ()
    wrong: str = ""
    requests: int = 0


def play(episode: Episode, folder: Path) -> Outcome:
    """Play an episode in an empty folder."""
    with serving(Shop(episode)) as shop, surroundings(shop, folder):
        resource = build_connector(episode, folder).graph["things"]
        reader = _Reader(resource, shop)
        refused = tuple(error for _ in range(episode.reads) if (error := reader.read()))
        shop.quiet = True
        shop.now += timedelta(days=episode.later)
        error = reader.read()
        wrong = f"the quiet refresh failed: {error}" if error else compare(shop, folder)
        return Outcome(episode=episode, refused=refused, wrong=wrong, requests=len(shop.log))


def play_alone(seed: int) -> Outcome:
    """Play the episode of a seed in a process of its own, in a folder that is removed, and log nothing."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        return play(draw_episode(seed), Path(folder))


@dataclass
class _Reader:
    """Loads as the schedule does: each window resumes where the last load that succeeded has read it to."""

    resource: Resource
    shop: Shop

    def __post_init__(self) -> None:
        self.reached: dict[str, datetime] = {}

    def read(self) -> str:
        """Load what is incomplete; returns the errors if there are any."""
        slices = self._slices() if self.resource.windowed else []
        # One request at a time, so that an episode is the same each time it is played.
        request = LoadRequest(now=self.shop.now, resources=[self.resource], slices=slices, max_parallel_requests=1)
        with loading(request) as load:
            (outcome,) = load.outcomes.values()
            for error in outcome.errors:
                if not isinstance(error, ApiError):
                    raise error
            if outcome.error is None:
                self._claim(outcome.landed)
            return "; ".join(f"{type(error).__name__}: {error}" for error in outcome.errors)

    def _claim(self, landed: Mapping[Slice | None, ReadStats]) -> None:
        """Record as read what materializations do (see `read_metadata`)."""
        for slice_, stats in landed.items():
            if slice_ is not None and self.resource.cursor:
                lag = timedelta(seconds=stats.clock_lag)
                slice_ = slice_.behind(lag, self.resource.cursor.timestamp_format)
                self.reached[slice_.window.key] = slice_.claimed(settled=not stats.unsettled).until

    def _slices(self) -> list[Slice]:
        now, lookback = self.shop.now, self.resource.connector.lookback
        windows = [window for window in GRID.opened(now) if self.reached.get(window.key, START) < window.end]
        slices = GRID.slices(windows, now=now, lookback=lookback)
        known = self.reached
        return [
            slice_.resumed(known[slice_.window.key], lookback=lookback) if slice_.window.key in known else slice_
            for slice_ in slices
        ]


def build_connector(episode: Episode, folder: Path, *, has_parts: bool = False) -> Connector:
    """Declare a connector that knows what the API of the episode is like; its rows may have children."""
    schema = folder / "soak.schema.yaml"
    columns = {"things": {"columns": COLUMNS}, "parts": {"columns": {name: COLUMNS[name] for name in ("id", "state")}}}
    schema.write_text(yaml.safe_dump({"tables": columns if has_parts else {"things": columns["things"]}}))
    params: dict[str, Any] = {} if episode.paging in ("offset", "single") else {"limit": episode.size}
    endpoint: dict[str, Any] = {
        "path": "/things",
        "params": params,
        "data_selector": episode.envelope,
        "paginator": _paginator(episode),
    }
    options: dict[str, Any] = {"missing_rows": episode.missing}
    if episode.window != "none":
        named = {"start_param": "after", "end_param": "before"} if episode.window == "api" else {}
        endpoint["incremental"] = {"cursor_path": "at", **named}
        options["cursor"] = Cursor()
    return Connector(
        name="soak",
        description="An API that changes",
        schema=schema,
        resources={"things": ResourceOptions(**options)},
        retry=Retry(attempts=0),
        total_header="X-Total-Count" if episode.total == "header" else None,
        total_path="total" if episode.total == "body" else None,
        accept_fewer=episode.hidden != (0, 0),
        config={
            "client": {"base_url": Setting("base_url")},
            "resources": [
                {"name": "things", "primary_key": "id", "write_disposition": "merge", "endpoint": endpoint},  # type: ignore[list-item,typeddict-item]
                *([PARTS] if has_parts else []),  # type: ignore[list-item]
            ],
        },
    )


def _paginator(episode: Episode) -> Any:
    more = {"has_more_path": "has_more"} if episode.has_more else {}
    total = {"total_path": "total" if episode.total == "body" else None}
    match episode.paging:
        case "offset":
            return {"type": "offset", "limit": episode.size, "offset_param": "place", **total, **more}
        case "page":
            pages = {"total_path": "pages" if episode.total == "pages" else None}
            return {"type": "page_number", "base_page": 1, **pages, **more}
        case "json_link":
            return {"type": "json_link", "next_url_path": "next"}
        case "cursor_header":
            return {"type": "header_cursor", "cursor_key": "X-Next", "cursor_param": "place"}
        case "cursor" | "keyset":
            return {"type": "cursor", "cursor_path": "next", "cursor_param": "place", **more}
        case "last_row":
            path = {"data": "data[-1].id", "result.items": "result.items[-1].id", "$": "[-1].id"}[episode.envelope]
            return {"type": "cursor", "cursor_path": path, "cursor_param": "place"}
        case "single":
            return "single_page"
    return episode.paging


def compare(shop: Shop, folder: Path) -> str:
    """Describe how the table differs from the API; empty if it does not."""
    gone = ", absent_since IS NOT NULL" if shop.episode.missing == "mark" else ", false"
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.execute(f'SELECT id, epoch_ms("at"), state{gone} FROM soak.things ORDER BY 1').fetchall()
    wanted = {row["id"]: (_epoch_ms(row["at"]), row["state"], False) for row in shop.visible()}
    table = {id: tuple(rest) for id, *rest in found}
    left = {id: row for id, row in table.items() if id not in wanted}
    expected_left = shop.episode.missing != "delete"
    problems = {
        "rows twice": len(found) - len(table),
        "lost": sorted(wanted.keys() - table.keys()),
        "stale": {id: (table[id], row) for id, row in wanted.items() if id in table and table[id] != row},
        "never in the API": sorted(left.keys() - shop.gone),
        "not deleted": [] if expected_left else sorted(left),
        "not marked": [id for id, row in left.items() if shop.episode.missing == "mark" and not row[2]],
    }
    return ", ".join(f"{what}: {which}" for what, which in problems.items() if which)


def _epoch_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@contextmanager
def surroundings(shop: Shop, folder: Path) -> Iterator[None]:
    """Point the settings to the shop and to the folder."""
    values = {
        "SOURCES__SOAK__BASE_URL": shop.url,
        "SOURCES__SOAK__START_DATE": START.date().isoformat(),
        "DESTINATION__DUCKDB__CREDENTIALS": str(folder / "warehouse.duckdb"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
    }
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        with chdir(folder):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
