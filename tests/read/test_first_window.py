"""Some filters hide the rows without a cursor, so the first window of all is read without the filter."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors_dagster import Connector, Cursor
from connectors_dagster.spec.windows import WindowGrid
from tests.support.feed import Feed, build_connector, read_slices

LAG, DAY = timedelta(minutes=5), timedelta(days=1)
NOW = datetime(2024, 4, 10, 12, tzinfo=UTC)
GRID = WindowGrid("P30D", "2024-01-01")
WINDOWS = GRID.opened(NOW)


@pytest.fixture
def feed() -> Iterator[Feed]:
    with Feed(hides_undated=True).served() as feed:
        yield feed


@pytest.fixture(params=["both", "written", "lower"])
def connector(feed, tmp_path, request) -> Connector:
    return build_connector(tmp_path, feed, Cursor(unfiltered_first=True), bounds=request.param)


def test_rows_that_the_filter_hides_are_read_once_in_the_first_window(feed, connector):
    feed.put(0, None, at=None)
    for id, window in enumerate(WINDOWS, start=1):
        feed.put(id, window.start, at=window.start.isoformat())
    runs = [GRID.slices(windows, now=NOW, lookback=LAG) for windows in (WINDOWS[:1], WINDOWS[1:])]
    assert [read_slices(connector, run) for run in runs] == [([2], [0, 1]), ([1, 1, 1], [2, 3, 4])]
    unfiltered, *filtered = feed.asked
    assert unfiltered == {}
    assert filtered
    assert all("after" in asked for asked in filtered)


def test_a_refresh_of_the_first_window_uses_the_filter(feed, connector):
    feed.put(0, None, at=None)
    feed.put(1, NOW - DAY, at="2024-01-20T00:00:00Z")
    (first,) = GRID.slices(WINDOWS[:1], now=datetime(2024, 1, 15, tzinfo=UTC), lookback=LAG)
    assert read_slices(connector, [first.resumed(first.window.start, lookback=LAG)])[1] == [0, 1]
    read_slices(connector, [first.resumed(first.until, lookback=LAG)])
    assert [asked.get("after") for asked in feed.asked] == [None, "2024-01-14T23:50:00Z"]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.one_of(st.none(), st.integers(-5, 130)), max_size=12), cuts=st.frozensets(st.integers(1, 3)))
def test_every_row_is_read_once_whichever_windows_share_a_run(feed, connector, places, cuts):
    feed.rows.clear()
    for id, days in enumerate(places):
        at = None if days is None else GRID.opened(NOW)[0].start + days * DAY
        feed.put(id, at, at=at and at.isoformat())
    edges = sorted({0, *cuts, 4})
    runs = [GRID.slices(WINDOWS[a:b], now=NOW, lookback=LAG) for a, b in pairwise(edges)]
    found = sorted(id for run in runs for id in read_slices(connector, run)[1])
    assert found == [id for id, days in enumerate(places) if days is None or 0 <= days < 120]


def test_the_first_window_is_also_read_without_the_filter_if_rows_without_a_cursor_are_read_again(feed, tmp_path):
    feed.put(0, None, at=None)
    connector = build_connector(tmp_path, feed, Cursor(reread_without_cursor="P30D"))
    first, second = GRID.slices(WINDOWS[:2], now=NOW, lookback=LAG)
    assert read_slices(connector, [first])[1] == [0]
    assert read_slices(connector, [second])[1] == []
    assert read_slices(connector, [replace(second, unfiltered=True)])[1] == [0]


def test_a_duration_of_a_cursor_that_is_negative_is_refused():
    with pytest.raises(ValueError, match="Cursor: changes_within is -1 day, 0:00:00: it must not be negative"):
        Cursor(changes_within=-DAY)


@pytest.mark.parametrize("period", ["monthly", "P0D", DAY * 0, -DAY])
def test_a_reread_without_cursor_that_is_not_a_duration_is_refused(period):
    with pytest.raises(ValueError, match="Cursor: reread_without_cursor"):
        Cursor(reread_without_cursor=period)


def test_unfiltered_first_is_refused_for_an_endpoint_without_a_filter(feed, tmp_path):
    with pytest.raises(ValueError, match="feed/changes: unfiltered_first is set, but the endpoint has no filter"):
        build_connector(tmp_path, feed, Cursor(unfiltered_first=True), bounds="none")
