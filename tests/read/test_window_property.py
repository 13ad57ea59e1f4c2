"""Windows never lose, duplicate or leave a row stale, whatever changes and in whatever order they are read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors_dagster import Cursor, Resource, TimestampFormat, load_connectors
from connectors_dagster.read.connection import connect
from connectors_dagster.read.reader import ResourceReader
from connectors_dagster.rows.raw_json import decode_row
from connectors_dagster.spec.windows import Slice, WindowGrid
from tests.support.api import Api
from tests.support.feed import EPOCH, Feed, build_connector, load_slices, read_slices
from tests.support.rows import order, product
from tests.support.warehouse import Warehouse

DAY, MINUTE, SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
MAKERS = {"storefront/orders": order, "billing/products": product}
CURSORS = {"storefront/orders": "date_modified_gmt", "billing/products": "updated_at"}

# All examples share one server, so the fixture is meant to live longer than an example.
many = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
few = settings(many, max_examples=6)


@dataclass(frozen=True)
class Edit:
    """A row appears or changes; the API shows it `late`, possibly without a cursor."""

    id: int
    late: timedelta
    undated: bool = False


@dataclass(frozen=True)
class Read:
    """A run over the windows with these indexes, full or resumed."""

    picks: frozenset[int]
    full: bool


@dataclass(frozen=True)
class Wait:
    """Time passes: `length`, or until `length` after the next window starts."""

    length: timedelta
    to_next_window: bool = False


History = Sequence[tuple[Wait, Edit | Read]]
lengths = st.sampled_from([timedelta(0), SECOND, 4 * MINUTE, 6 * MINUTE, 300 * MINUTE, 29 * DAY, 70 * DAY])
waits = st.builds(Wait, lengths) | st.builds(Wait, st.sampled_from([SECOND, MINUTE, 6 * MINUTE]), st.just(True))
edits = st.builds(
    Edit,
    id=st.integers(0, 4),
    late=st.integers(0, 299).map(lambda seconds: seconds * SECOND),
    undated=st.booleans() | st.just(False),
)
reads = st.builds(Read, picks=st.frozensets(st.integers(0, 5), min_size=1), full=st.booleans())
histories = st.lists(st.tuples(waits, edits | edits | reads), min_size=1, max_size=12)
short_histories = st.lists(st.tuples(waits, edits | edits | reads), min_size=1, max_size=5)


@dataclass
class World:
    """An API that changes, a reader, and how far it has read each window."""

    resource: Resource
    show: Callable[[list[dict[str, Any]]], None]
    load: Callable[[Resource, Sequence[Slice]], None]
    grid: WindowGrid = WindowGrid("P30D", "2024-01-01")
    now: datetime = datetime(2024, 1, 5, 12, tzinfo=UTC)
    rows: dict[int, tuple[datetime | None, str]] = field(default_factory=dict)
    reached: dict[str, datetime] = field(default_factory=dict)

    def live(self, history: History) -> None:
        """Apply all events, then refresh what is not complete, as the schedule does."""
        for number, (wait, event) in enumerate(history):
            self.now = wait.length + (self.grid.opened(self.now)[-1].end if wait.to_next_window else self.now)
            if isinstance(event, Edit):
                self._edit(event, state=f"state {number}")
            else:
                windows = self.grid.opened(self.now)
                self._read([w for index, w in enumerate(windows) if index in event.picks], full=event.full)
        self._read([w for w in self.grid.opened(self.now) if self.reached.get(w.key, EPOCH) < w.end], full=False)

    def _edit(self, edit: Edit, *, state: str) -> None:
        dated = not edit.undated or self.resource.filtered
        self.rows[edit.id] = (self.now - edit.late if dated else None, state)
        make = MAKERS[str(self.resource)]
        key = int if self.resource.filtered else str
        spelled = {id: at and at.replace(tzinfo=None).isoformat() for id, (at, _) in self.rows.items()}
        self.show([make(key(id), spelled[id], status=state) for id, (_, state) in self.rows.items()])

    def _read(self, windows: Sequence[Any], *, full: bool) -> None:
        lookback = self.resource.connector.lookback
        slices = self.grid.slices(list(windows), now=self.now, lookback=lookback)
        if not full:
            known = self.reached
            slices = [s.resumed(known[s.window.key], lookback=lookback) if s.window.key in known else s for s in slices]
        if slices:
            self.load(self.resource, slices)
        self.reached |= {slice_.window.key: slice_.until for slice_ in slices}


def resource_of(name: str) -> Resource:
    connector, _, resource = name.partition("/")
    return load_connectors()[connector].graph[resource]


@pytest.mark.journey
@many
@given(history=histories, name=st.sampled_from(list(MAKERS)))
def test_the_newest_state_of_everything_in_the_api_has_been_read_at_the_end(api: Api, history: History, name: str):
    table: dict[int, tuple[str | None, str]] = {}

    def read(resource: Resource, slices: Sequence[Slice]) -> None:
        connection = connect(resource.connector)
        for rows, _ in ResourceReader(resource=resource, connection=connection, slices=slices).pages():
            plain = [decode_row(row) for row in rows]
            table.update({int(row["id"]): (row[CURSORS[name]], row["status"]) for row in plain})

    api.set(name, [])
    api.requests.clear()
    world = World(resource_of(name), lambda rows: api.set(name, rows), read)
    world.live(history)
    assert table == {id: (at and at.replace(tzinfo=None).isoformat(), state) for id, (at, state) in world.rows.items()}


@pytest.mark.journey
@few
@given(history=short_histories, name=st.sampled_from(list(MAKERS)), data=st.data())
def test_the_table_ends_up_with_what_the_api_has(api, tmp_path_factory, monkeypatch, history, name, data):
    file = tmp_path_factory.mktemp("example") / "warehouse.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))

    def load(resource: Resource, slices: Sequence[Slice]) -> None:
        load_slices(resource, data.draw(st.permutations(slices)))

    api.set(name, [])
    api.requests.clear()
    world = World(resource_of(name), lambda rows: api.set(name, rows), load)
    world.live(history)
    found = Warehouse(file).query(
        f"SELECT id::INT, {CURSORS[name]}::TIMESTAMP, status FROM {name.replace('/', '.')} ORDER BY 1"
    )
    assert found == [(id, at and at.replace(tzinfo=None), state) for id, (at, state) in sorted(world.rows.items())]


@pytest.fixture
def feed() -> Iterator[Feed]:
    with Feed().served() as feed:
        yield feed


clocks = st.sampled_from(
    [
        (TimestampFormat(), lambda at: at.isoformat(), datetime.fromisoformat),
        (TimestampFormat(format="%Y-%m-%d", granularity=DAY), lambda at: at.date().isoformat(), datetime.fromisoformat),
        (
            TimestampFormat(format="epoch_seconds"),
            lambda at: (at - EPOCH) // SECOND,
            lambda text: EPOCH + int(text) * SECOND,
        ),
    ]
)
bounds = st.sampled_from(["inclusive", "exclusive"])
near_edges = st.tuples(st.integers(-1, 5), st.sampled_from([-DAY, -SECOND, -SECOND / 2, 0 * DAY, SECOND / 2, SECOND]))
grids = st.builds(
    WindowGrid,
    step=st.sampled_from(["P30D", "P1M", "P1D", "PT6H"]),
    start=st.sampled_from(["2024-01-01", "2024-01-31", "2023-12-31T22:00:00"]),
)


@many
@given(
    timestamp_format=clocks,
    filters=st.sampled_from(["both", "lower", "none", "written"]),
    lower=bounds,
    upper=bounds,
    grid=grids,
    places=st.lists(near_edges, min_size=1, max_size=12),
    cuts=st.frozensets(st.integers(1, 3)),
)
def test_every_row_belongs_to_one_window_however_the_api_treats_its_bounds(
    tmp_path_factory, feed, timestamp_format, filters, lower, upper, grid, places, cuts
):
    timestamp_format, spell, feed.read = timestamp_format
    feed.lower, feed.upper, feed.grain = lower, upper, timestamp_format.granularity
    feed.rows.clear()
    feed.asked.clear()
    now = datetime(2024, 8, 1, tzinfo=UTC)
    windows = grid.opened(now)[:4]
    edges = [window.start for window in windows] + [windows[-1].end]
    for id, (edge, step) in enumerate(places):
        at = edges[edge] + step if 0 <= edge < len(edges) else edges[0] - DAY
        feed.put(id, at, at=spell(at))
    connector = build_connector(
        tmp_path_factory.mktemp("example"),
        feed,
        Cursor(timestamp_format=timestamp_format, lower=lower),
        bounds=filters,
    )
    runs = [grid.slices(windows[a:b], now=now, lookback=SECOND) for a, b in pairwise(sorted({0, *cuts, 4}))]
    found = sorted(id for run in runs for id in read_slices(connector, run)[1])
    inside = {id: timestamp_format.decode(row["at"]) for id, (_, row) in feed.rows.items()}
    assert found == [id for id, at in inside.items() if edges[0] <= at < edges[-1]]
