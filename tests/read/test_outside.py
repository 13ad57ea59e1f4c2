"""Rows from before the first window, from after the last one, and from outside of what was requested."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors_dagster import Cursor, TimestampFormat
from connectors_dagster.errors import RowError
from connectors_dagster.read.connection import connect
from connectors_dagster.read.reader import ResourceReader
from connectors_dagster.spec.windows import Slice, WindowGrid
from tests.support.feed import Feed, build_connector, read_slices

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2024, 4, 10, 12, tzinfo=UTC)
GRID = WindowGrid("P30D", "2024-01-01")
START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def feed() -> Iterator[Feed]:
    with Feed().served() as feed:
        yield feed


def slices(first: int, last: int) -> list[Slice]:
    return GRID.slices(GRID.opened(NOW)[first:last], now=NOW, lookback=timedelta(minutes=5))


def put(feed: Feed, *times: datetime) -> None:
    for id, at in enumerate(times):
        feed.put(id, at, at=at.isoformat())


@pytest.mark.parametrize("windows", [(0, 4), (2, 4)], ids=["all windows", "the last two"])
def test_rows_from_before_the_first_and_after_the_last_window_are_counted(feed, tmp_path, windows):
    put(feed, START - DAY, START - HOUR, START, NOW - DAY, NOW + 90 * DAY)
    (resource,) = build_connector(tmp_path, feed, Cursor(), bounds="none").graph.values()
    reader = ResourceReader(resource=resource, connection=connect(resource.connector), slices=slices(*windows))
    rows = sum(len(page) for page, _ in reader.pages())
    first = next(iter(reader.stats_by_slice.values()))
    assert (first.before_start, first.after_end, first.outside) == (2, 1, 5 - rows)


@pytest.mark.parametrize("bounds", ["none", "lower", "both", "written"])
def test_rows_from_before_the_first_window_are_loaded_with_it_if_declared(feed, tmp_path, bounds):
    put(feed, datetime(1999, 1, 1, tzinfo=UTC), START - HOUR, START, START + 40 * DAY)
    connector = build_connector(tmp_path, feed, Cursor(before_start="keep"), bounds=bounds)
    assert read_slices(connector, slices(0, 2)) == ([3, 1], [0, 1, 2, 3])
    assert read_slices(connector, slices(1, 2)) == ([1], [3])


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata", "Europe/Amsterdam"])
def test_a_filter_in_another_time_zone_fails_and_says_what_was_requested_and_what_came(feed, tmp_path, zone):
    put(feed, *(START + 6 * HOUR * count for count in range(-8, 300)))
    feed.put(1_000, START + 30 * DAY - HOUR / 4, at=(START + 30 * DAY - HOUR / 4).isoformat())
    feed.put(1_001, START + 30 * DAY + HOUR / 4, at=(START + 30 * DAY + HOUR / 4).isoformat())
    feed.read = lambda text: datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=ZoneInfo(zone))
    with pytest.raises(RowError, match=r"feed/changes window 2024-.* was requested, but .* set timezone .* outside="):
        read_slices(build_connector(tmp_path, feed, Cursor()), slices(0, 2))
    named = TimestampFormat(format="%Y-%m-%dT%H:%M:%S", timezone=zone)
    everything = [id for id, (at, _) in feed.rows.items() if at and START <= at < START + 60 * DAY]
    assert read_slices(build_connector(tmp_path, feed, Cursor(timestamp_format=named)), slices(0, 2))[1] == everything


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland", "UTC"])
def test_a_filter_by_dates_of_an_unknown_time_zone_loses_no_row(feed, tmp_path, zone):
    put(feed, *(START + HOUR / 2 + 6 * HOUR * count for count in range(-20, 300)))
    feed.read = lambda text: datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    dates = TimestampFormat(format="%Y-%m-%d", granularity=DAY)
    everything = [id for id, (at, _) in feed.rows.items() if at and START <= at < START + 60 * DAY]
    assert read_slices(build_connector(tmp_path, feed, Cursor(timestamp_format=dates)), slices(0, 2))[1] == everything


@pytest.mark.parametrize("bounds", ["both", "lower"])
def test_rows_that_were_not_requested_are_dropped_if_declared(feed, tmp_path, bounds):
    for id, at in enumerate((START - DAY, START)):
        feed.put(id, START, at=at.isoformat())  # the filter uses another field
    with pytest.raises(RowError, match="outside='drop'"):
        read_slices(build_connector(tmp_path, feed, Cursor(), bounds=bounds), slices(0, 1))
    connector = build_connector(tmp_path, feed, Cursor(outside="drop"), bounds=bounds)
    assert read_slices(connector, slices(0, 1)) == ([1], [1])


@pytest.mark.parametrize(("changed", "fails"), [(NOW - HOUR, True), (NOW - timedelta(minutes=1), False)])
def test_a_row_that_changes_while_it_is_read_may_be_newer_than_what_was_requested(feed, tmp_path, changed, fails):
    feed.put(1, START, at=changed.isoformat())
    connector = build_connector(tmp_path, feed, Cursor())
    found: Any = None
    try:
        found = read_slices(connector, slices(0, 1))
    except RowError:
        assert fails
    assert found == (None if fails else ([0], []))


def test_a_filter_that_ignores_seconds_is_not_refused(feed, tmp_path):
    feed.put(1, START, at="2024-01-31T00:00:59Z")
    assert read_slices(build_connector(tmp_path, feed, Cursor()), slices(0, 1)) == ([0], [])


def test_an_edge_of_a_window_within_a_day_is_within_the_resolution_of_dates(feed, tmp_path):
    feed.put(1, START, at="2023-12-31")
    feed.put(2, START, at="2024-01-31")
    assert read_slices(build_connector(tmp_path, feed, Cursor(), column="date"), slices(0, 1)) == ([0], [])
