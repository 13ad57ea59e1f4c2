"""While the windows of one load are loaded, those of the next one are read."""

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from errno import ENOSPC
from typing import Any

import dlt
import pytest
from starlette.responses import Response

from connectors_dagster import Cursor, Resource, ResourceOptions
from connectors_dagster.errors import LoadError
from connectors_dagster.load import pipeline
from connectors_dagster.load.pipeline import Load, load_in_turn
from connectors_dagster.load.request import LoadRequest
from connectors_dagster.rows.key_counter import KeyCounter
from connectors_dagster.spec.windows import Slice, WindowGrid
from tests.support.feed import Feed, build_connector
from tests.support.rows import NOW

GRID = WindowGrid("P30D", "2024-01-01")
SLICES = GRID.slices(GRID.opened(NOW), now=NOW, lookback=timedelta())
STARTS = [slice_.window.start for slice_ in SLICES]
PATIENCE = 20.0


@pytest.fixture
def feed(monkeypatch) -> Iterator[Feed]:
    """One row a window, numbered from 0."""
    monkeypatch.setenv("SOURCES__FEED__MAX_PARALLEL_REQUESTS", "1")
    with Feed().served() as feed:
        for number, start in enumerate(STARTS):
            feed.put(number, start, at=start.isoformat())
        yield feed


@pytest.fixture
def changes(feed, tmp_path) -> Resource:
    return build_connector(tmp_path, feed, Cursor()).graph["changes"]


def one_by_one(resource: Resource, slices: Sequence[Slice] = SLICES) -> Any:
    """Load each slice by itself, in one run."""
    return closing(load_in_turn([LoadRequest(now=NOW, resources=[resource], slices=[one]) for one in slices]))


def before_load(monkeypatch, action: Callable[[], object]) -> None:
    """Do something whenever dlt is about to load a package."""
    load = dlt.Pipeline.load

    def loading(self: Any, *args: Any, **given: Any) -> Any:
        action()
        return load(self, *args, **given)

    monkeypatch.setattr(dlt.Pipeline, "load", loading)


def asked_for(feed: Feed) -> list[str]:
    return [asked["after"][:10] for asked in feed.asked]


def test_the_next_windows_are_read_while_the_last_ones_are_loaded(feed, changes, project, warehouse, monkeypatch):
    seen = list[int]()

    def wait_for_another_request() -> None:
        until = time.monotonic() + PATIENCE
        while len(feed.asked) < min(len(seen) + 2, len(SLICES)) and time.monotonic() < until:
            time.sleep(0.05)
        seen.append(len(feed.asked))

    before_load(monkeypatch, wait_for_another_request)
    with one_by_one(changes) as loads:
        for number, load in enumerate(loads):
            assert len(feed.asked) <= number + 2  # and no others before it was yielded
            assert warehouse.ids("feed.changes") == list(range(number + 1))
            assert load.last_load_id == load.own_ids[0]
    assert seen == [2, 3, 4, 4]
    assert not list((project / ".connectors" / "loads").glob("load-*"))


@pytest.mark.journey
def test_columns_that_one_load_adds_are_those_of_the_next(feed, changes, warehouse):
    feed.put(0, STARTS[0], at=STARTS[0].isoformat(), colour="red", size=1)
    feed.put(1, STARTS[1], at=STARTS[1].isoformat(), weight={"kg": 1})
    feed.put(2, STARTS[2], at=STARTS[2].isoformat(), colour="blue", size={"cm": 3})
    with one_by_one(changes) as loads:
        assert [load.failed for load in loads] == [False] * 4
    with one_by_one(changes) as loads:  # the destination knows the columns of all of them
        assert [load.altered for load in loads] == [[], [], [], []]
    assert warehouse.query("SELECT id, colour, size, weight IS NOT NULL FROM feed.changes ORDER BY id") == [
        (0, "red", "1", False),
        (1, None, None, True),
        (2, "blue", '{"cm":3}', False),
        (3, None, None, False),
    ]


def test_the_rows_that_a_load_keeps_for_their_lists_are_removed_before_the_next_one_is_yielded(
    feed, project, warehouse
):
    options = {"changes": ResourceOptions(cursor=Cursor(), children={"lines": "change_lines"})}
    resources = [*replace(build_connector(project, feed, Cursor()), resources=options).graph.values()]
    with closing(load_in_turn([LoadRequest(now=NOW, resources=resources, slices=[one]) for one in SLICES])) as loads:
        kept = [len(list((project / ".connectors" / "loads").rglob("changes.0.parquet"))) for _ in loads]
    assert kept[-1] == 1
    assert warehouse.ids("feed.changes") == [0, 1, 2, 3]


def test_a_row_that_moves_into_a_later_window_is_loaded_once_as_it_was_read_last(feed, changes, warehouse, monkeypatch):
    before_load(monkeypatch, lambda: feed.put(0, STARTS[3], at=STARTS[3].isoformat(), colour="moved"))
    with one_by_one(changes) as loads:
        assert len(list(loads)) == 4
    assert warehouse.query("SELECT id, colour FROM feed.changes ORDER BY id") == [
        (0, "moved"),
        (1, None),
        (2, None),
        (3, None),
    ]


@pytest.mark.only_in("duckdb")
def test_duckdb_merges_small_row_groups_in_the_next_load_and_not_while_the_end_of_a_run_is_waited_for(
    feed, changes, warehouse
):
    groups = "SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('feed.changes')"
    with one_by_one(changes, SLICES[:2]) as loads:
        assert [load.rows for load in loads] == [1, 1]
    assert warehouse.query(groups) == [(2,)]
    with one_by_one(changes, SLICES[2:3]) as loads:
        assert [load.rows for load in loads] == [1]
    assert warehouse.query(groups) == [(1,)]
    assert warehouse.ids("feed.changes") == [0, 1, 2]


def test_nothing_is_read_while_very_many_rows_are_loaded(feed, changes, warehouse, monkeypatch):
    monkeypatch.setattr(pipeline, "ROWS_BESIDE_OTHERS", 1)
    for number in (4, 5):
        feed.put(number, STARTS[1], at=STARTS[1].isoformat())
    before_load(monkeypatch, lambda: time.sleep(0.5))
    with one_by_one(changes) as loads:
        seen = [len(feed.asked) for _ in loads]
    assert seen == [2, 2, 4, 4]  # the second load has three rows
    assert warehouse.ids("feed.changes") == [0, 1, 2, 3, 4, 5]


def test_the_keys_of_what_was_read_are_freed_before_it_is_loaded(feed, changes, warehouse, monkeypatch):
    counts = list[int]()

    def count_keys() -> None:
        counts.append(sum(len(one) for one in gc.get_objects() if isinstance(one, KeyCounter)))

    gc.collect()  # of other tests
    gc.disable()
    try:
        count_keys()
        before_load(monkeypatch, count_keys)
        with one_by_one(changes, SLICES[:1]) as loads:
            assert len(list(loads)) == 1
    finally:
        gc.enable()
    assert counts == [counts[0]] * 2


def test_nothing_is_read_ahead_of_a_load_that_failed(feed, changes, warehouse):
    feed.put(1, STARTS[1], at=STARTS[1].isoformat())
    feed.rows[1][1]["id"] = None  # a row without its key
    with one_by_one(changes) as loads:
        found = [(load.failed, asked_for(feed)) for load in loads]
    days = [f"{start:%Y-%m-%d}" for start in STARTS]
    assert [failed for failed, _ in found] == [False, True, False, False]
    assert found[1][1] == days[:2]
    assert asked_for(feed) == days
    assert warehouse.ids("feed.changes") == [0, 2, 3]


@pytest.mark.journey
def test_a_load_that_the_destination_refuses_ends_all_and_its_windows_are_not_there(
    feed, changes, warehouse, monkeypatch
):
    refused = iter([False, True])

    def refuse_the_second() -> None:
        if next(refused):
            raise LoadError("no room")

    with monkeypatch.context() as patch, one_by_one(changes) as loads:
        before_load(patch, refuse_the_second)
        with pytest.raises(LoadError, match="no room"):
            list(loads)
    assert warehouse.ids("feed.changes") == [0]
    assert len(feed.asked) <= 3
    with one_by_one(changes) as loads:  # the lock of the family is free, and what was read ahead left nothing
        assert len(list(loads)) == 4
    assert warehouse.ids("feed.changes") == [0, 1, 2, 3]


def test_a_disk_without_room_for_the_next_load_is_said_and_what_was_recorded_stays(
    feed, changes, warehouse, monkeypatch
):
    def fill(*_: Any, **__: Any) -> None:
        raise OSError(ENOSPC, "No space left on device")

    with one_by_one(changes) as loads:
        next(loads)
        monkeypatch.setattr("shutil.copytree", fill)
        with pytest.raises(LoadError, match=r"files of the next load cannot be written: .*No space left"):
            list(loads)
    assert warehouse.ids("feed.changes") == [0]


def test_who_stops_listening_ends_what_is_read_ahead(feed, project, warehouse):
    """The API answers 503 with a long wait, which nobody sits out."""
    asked, respond = threading.Event(), feed._respond

    async def busy(request: Any) -> Any:
        if request.query_params["after"][:10] == f"{STARTS[1]:%Y-%m-%d}":
            asked.set()
            return Response(status_code=503, headers={"Retry-After": "50"})
        return await respond(request)

    feed._respond = busy
    with feed.served(), one_by_one(build_connector(project, feed, Cursor()).graph["changes"]) as loads:
        load: Load = next(loads)
        assert asked.wait(PATIENCE)
        assert not load.failed
        began = threading.active_count()
    assert threading.active_count() < began
    assert warehouse.ids("feed.changes") == [0]
