"""Cursor formats and bounds of different APIs, declared per resource: no row is lost between two windows."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors_dagster import Cursor, TimestampFormat
from connectors_dagster.errors import RowError
from connectors_dagster.spec.windows import Slice, WindowGrid
from tests.support.feed import EPOCH, Feed, build_connector, load_slices, read_slices

DAY = timedelta(days=1)
HALF, SECOND = timedelta(seconds=0.5), timedelta(seconds=1)
NOW = datetime(2024, 4, 10, 12, tzinfo=UTC)
GRID = WindowGrid("P30D", "2024-01-01")
START, END, NEXT_END = (window.start for window in GRID.opened(NOW)[:3])


@pytest.fixture
def feed() -> Iterator[Feed]:
    with Feed().served() as feed:
        yield feed


def slices(count: int) -> list[Slice]:
    return GRID.slices(GRID.opened(NOW)[:count], now=NOW, lookback=SECOND)


CLOCKS: dict[str, tuple[TimestampFormat, str, Callable[[datetime], Any], Callable[[str], datetime]]] = {
    "epoch seconds": (
        TimestampFormat(format="epoch_seconds"),
        "bigint",
        lambda at: int(at.timestamp()),
        lambda text: datetime.fromtimestamp(int(text), UTC),
    ),
    "epoch seconds as text": (
        TimestampFormat(format="epoch_seconds"),
        "text",
        lambda at: str(int(at.timestamp())),
        lambda text: datetime.fromtimestamp(int(text), UTC),
    ),
    "epoch seconds with a fraction": (
        TimestampFormat(format="epoch_seconds"),
        "double",
        lambda at: at.timestamp(),
        lambda text: datetime.fromtimestamp(int(text), UTC),
    ),
    "epoch milliseconds": (
        TimestampFormat(format="epoch_milliseconds", granularity=timedelta(milliseconds=1)),
        "timestamp",
        lambda at: (at - EPOCH) // timedelta(milliseconds=1),
        lambda text: EPOCH + int(text) * timedelta(milliseconds=1),
    ),
    "plain dates": (
        TimestampFormat(format="%Y-%m-%d", granularity=DAY),
        "date",
        lambda at: at.date().isoformat(),
        datetime.fromisoformat,
    ),
    "bounds in epoch seconds, cursors in ISO 8601": (
        TimestampFormat(format="epoch_seconds"),
        "timestamp",
        lambda at: at.isoformat(),
        lambda text: datetime.fromtimestamp(int(text), UTC),
    ),
    "day first": (
        TimestampFormat(format="%d.%m.%Y %H:%M:%S"),
        "text",
        lambda at: at.strftime("%d.%m.%Y %H:%M:%S"),
        lambda text: datetime.strptime(text, "%d.%m.%Y %H:%M:%S"),
    ),
}


@pytest.mark.parametrize("timestamp_format", CLOCKS)
def test_rows_with_other_cursor_formats_are_assigned_to_windows_exactly(feed, tmp_path, timestamp_format):
    timestamp_format, column, write, feed.read = CLOCKS[timestamp_format]
    feed.grain = timestamp_format.granularity
    for id, at in enumerate([START, START + HALF, END - DAY, END - SECOND, END, NEXT_END - SECOND, NEXT_END]):
        feed.put(id, at, at=write(at))
    filtered, scanned = (
        build_connector(tmp_path, feed, Cursor(timestamp_format=timestamp_format), column=column, bounds=bounds)
        for bounds in ("both", "none")
    )
    assert read_slices(filtered, slices(2)) == ([4, 2], [0, 1, 2, 3, 4, 5])
    assert read_slices(scanned, slices(2)) == ([4, 2], [0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("timestamp_format", "in_utc"),
    [
        ("epoch seconds", """to_timestamp("at") AT TIME ZONE 'UTC'"""),
        ("epoch milliseconds", """"at" AT TIME ZONE 'UTC'"""),
        ("plain dates", """"at"::TIMESTAMP"""),
    ],
)
def test_cursors_that_are_not_in_iso_8601_are_loaded_into_their_column(
    feed, warehouse, tmp_path, timestamp_format, in_utc
):
    timestamp_format, column, write, feed.read = CLOCKS[timestamp_format]
    feed.put(1, START + DAY, at=write(START + DAY))
    connector = build_connector(tmp_path, feed, Cursor(timestamp_format=timestamp_format), column=column)
    load_slices(connector.graph["changes"], slices(1))
    assert warehouse.column("feed.changes", in_utc) == [(START + DAY).replace(tzinfo=None)]


def test_bounds_may_be_dates_while_rows_have_seconds_since_1970(feed, tmp_path):
    feed.grain, feed.read = DAY, datetime.fromisoformat
    for id, at in enumerate([START, START + HALF, END - SECOND, END, NEXT_END - SECOND, NEXT_END]):
        feed.put(id, at, at=int(at.timestamp()))
    dates = TimestampFormat(format="%Y-%m-%d", granularity=DAY)
    cursor = Cursor(timestamp_format=TimestampFormat(format="epoch_seconds"), bounds_format=dates)
    assert read_slices(build_connector(tmp_path, feed, cursor, column="bigint"), slices(2)) == ([3, 2], [0, 1, 2, 3, 4])
    assert {"after": "2023-12-31", "before": "2024-02-01"} in feed.asked


@pytest.mark.parametrize("grain", [timedelta(microseconds=1), SECOND, DAY], ids=["exact", "second", "day"])
@pytest.mark.parametrize("upper", ["inclusive", "exclusive"])
@pytest.mark.parametrize("lower", ["inclusive", "exclusive"])
def test_no_row_is_lost_between_two_windows_whether_bounds_are_inclusive_or_exclusive(
    feed, tmp_path, lower, upper, grain
):
    feed.lower, feed.upper, feed.grain = lower, upper, grain
    timestamp_format = TimestampFormat(format="%Y-%m-%d", granularity=DAY) if grain == DAY else TimestampFormat()
    steps = (-DAY, -SECOND, -HALF, timedelta(0), HALF, SECOND, DAY)
    for id, at in enumerate(edge + step for edge in (START, END, NEXT_END) for step in steps):
        feed.put(id, at, at=at.isoformat())
    connector = build_connector(tmp_path, feed, Cursor(timestamp_format=timestamp_format, lower=lower))
    assert read_slices(connector, slices(2)) == ([7, 7], list(range(3, 17)))


def test_a_window_may_start_in_the_middle_of_a_day_if_cursors_are_dates(feed, tmp_path):
    feed.grain, timestamp_format, grid = (
        DAY,
        TimestampFormat(format="%Y-%m-%d", granularity=DAY),
        WindowGrid("P1D", "2024-01-01T22:00:00"),
    )
    for id, at in enumerate(["2024-01-02T03:00:00", "2024-01-02T23:00:00", "2024-01-03T21:00:00"]):
        feed.put(id, datetime.fromisoformat(at).replace(tzinfo=UTC), at=at[:10])
    slices = grid.slices(grid.opened(NOW)[:2], now=NOW, lookback=SECOND)
    assert read_slices(build_connector(tmp_path, feed, Cursor(timestamp_format=timestamp_format)), slices) == (
        [2, 1],
        [0, 1, 2],
    )


def test_a_request_starts_one_second_earlier_if_the_lower_bound_is_exclusive(feed, tmp_path):
    for lower in ("inclusive", "exclusive"):
        read_slices(build_connector(tmp_path, feed, Cursor(lower=lower)), slices(2)[1:])
    assert feed.asked == [
        {"after": "2024-01-31T00:00:00Z", "before": "2024-03-01T00:00:00Z"},
        {"after": "2024-01-30T23:59:59Z", "before": "2024-03-01T00:00:00Z"},
    ]


def test_an_api_without_an_upper_bound_is_read_once_for_all_windows(feed, tmp_path):
    for id, at in enumerate([START, END, NEXT_END - SECOND, NEXT_END]):
        feed.put(id, at, at=at.isoformat())
    connector = build_connector(tmp_path, feed, Cursor(), bounds="lower")
    assert read_slices(connector, slices(2)) == ([1, 2], [0, 1, 2])
    assert feed.asked == [{"after": "2024-01-01T00:00:00Z"}]


@pytest.mark.parametrize("path", ["meta.changed", "$.meta.changed", "meta['changed']"])
def test_a_cursor_may_be_inside_an_object(feed, tmp_path, path):
    feed.put(1, START, meta={"changed": START.isoformat()})
    feed.put(2, END, meta={"changed": END.isoformat()})
    connector = build_connector(tmp_path, feed, Cursor(without_cursor="fail"), path=path, bounds="none")
    assert read_slices(connector, slices(1)) == ([1], [1])


UNDATED = [{"at": None}, {}, {"at": ""}]


@pytest.mark.parametrize("bounds", ["both", "none"])
def test_rows_without_a_cursor_go_into_the_first_window_of_each_response(feed, tmp_path, bounds):
    feed.put(0, END, at=END.isoformat())
    for id, fields in enumerate(UNDATED, start=1):
        feed.put(id, None, **fields)
    connector = build_connector(tmp_path, feed, Cursor(), bounds=bounds)
    in_each = ([3, 4], [0, 1, 1, 2, 2, 3, 3])
    assert read_slices(connector, slices(2)) == (in_each if bounds == "both" else ([3, 1], [0, 1, 2, 3]))


@pytest.mark.parametrize("bounds", ["both", "none"])
def test_rows_without_a_cursor_are_kept_when_the_first_window_is_not_read_again(feed, tmp_path, bounds):
    connector = build_connector(tmp_path, feed, Cursor(), bounds=bounds)
    feed.put(1, None, at=None)
    assert read_slices(connector, slices(3)[1:]) == (([1, 1], [1, 1]) if bounds == "both" else ([1, 0], [1]))


@pytest.mark.parametrize("fields", UNDATED, ids=["null", "missing", "empty"])
def test_rows_without_a_cursor_fail_if_declared_to(feed, tmp_path, fields):
    feed.put(1, None, **fields)
    connector = build_connector(tmp_path, feed, Cursor(without_cursor="fail"))
    with pytest.raises(RowError, match=r"feed/changes window .*: a row has no cursor 'at', and rows without"):
        read_slices(connector, slices(4))


NO_TIMES = [
    "0000-00-00 00:00:00",
    "0000-00-00",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+02:00",
    "9999-12-31T23:59:59-05:00",
    "9999-12-31",
    "1970-01-01T00:00:00+00:00",
    "never",
    0,
]


@pytest.mark.parametrize("bounds", ["both", "none"])
def test_rows_whose_cursor_says_that_there_is_no_time_are_rows_without_a_cursor(feed, tmp_path, bounds):
    for id, value in enumerate(NO_TIMES):
        feed.put(id, None, at=value)
    timestamps = TimestampFormat(zero=("1970-01-01", "never"))
    connector = build_connector(tmp_path, feed, Cursor(timestamp_format=timestamps), bounds=bounds)
    assert read_slices(connector, slices(1)) == ([len(NO_TIMES)], list(range(len(NO_TIMES))))


def test_a_cursor_that_says_that_there_is_no_time_stays_as_it_was_written(feed, warehouse, tmp_path):
    for id, value in enumerate(("0000-00-00 00:00:00", "0001-01-01T00:00:00Z")):
        feed.put(id, None, at=value)
    load_slices(build_connector(tmp_path, feed, Cursor()).graph["changes"], slices(1))
    rows = warehouse.query('SELECT "at"::VARCHAR, at__v_text FROM feed.changes ORDER BY id')
    assert rows == [(None, "0000-00-00 00:00:00"), ("0001-01-01 00:00:00+00", None)]


def test_numbers_that_are_dates_are_the_same_dates_as_their_text(feed, warehouse, tmp_path):
    for id, value in enumerate((20240102, "20240102", 20241301)):
        feed.put(id, None, at=value)
    connector = build_connector(tmp_path, feed, Cursor(), bounds="none", path="other")
    load_slices(connector.graph["changes"], slices(1))
    rows = warehouse.query("SELECT \"at\" AT TIME ZONE 'UTC', at__v_text FROM feed.changes ORDER BY id")
    assert rows == [(datetime(2024, 1, 2), None), (datetime(2024, 1, 2), None), (None, "20241301")]


def test_epoch_milliseconds_arrive_as_numbers_and_as_text_with_a_fraction(feed, tmp_path):
    milliseconds = TimestampFormat(format="epoch_milliseconds", granularity=timedelta(milliseconds=1))
    for id, value in enumerate(["1706011112222", 1706011112222, "1706011112222.5"]):
        feed.put(id, None, at=value)
    connector = build_connector(tmp_path, feed, Cursor(timestamp_format=milliseconds), bounds="none")
    assert read_slices(connector, slices(1)) == ([3], [0, 1, 2])


def test_seconds_where_milliseconds_are_declared_fail_and_are_not_taken_for_1970(feed, tmp_path):
    milliseconds = TimestampFormat(format="epoch_milliseconds", granularity=timedelta(milliseconds=1))
    feed.put(1, None, at=1706011112)
    connector = build_connector(tmp_path, feed, Cursor(timestamp_format=milliseconds), bounds="none")
    with pytest.raises(
        RowError, match="'at' is read as a time in January 1970: it may be in seconds; check the format"
    ):
        read_slices(connector, slices(1))


def test_rows_and_bounds_are_in_the_time_zone_of_the_api(feed, warehouse, tmp_path):
    zone = ZoneInfo("America/Los_Angeles")
    feed.read = lambda text: datetime.fromisoformat(text).replace(tzinfo=zone)
    for id, at in enumerate([START - SECOND, START, END - SECOND, END, NEXT_END - SECOND, NEXT_END]):
        feed.put(id, at, at=at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"))
    timestamps = TimestampFormat(format="%Y-%m-%d %H:%M:%S", timezone=zone.key)
    connector = build_connector(tmp_path, feed, Cursor(timestamp_format=timestamps))
    counts = load_slices(connector.graph["changes"], slices(2))
    assert min(asked["after"] for asked in feed.asked) == "2023-12-31 16:00:00"
    assert [stats.rows for stats in counts.values()] == [2, 2]
    stored = warehouse.column("feed.changes", "\"at\" AT TIME ZONE 'UTC'")
    assert stored == [at.replace(tzinfo=None) for at in (START, END - SECOND, END, NEXT_END - SECOND)]


def test_a_window_that_ends_in_the_hour_that_occurs_twice_has_all_rows_of_that_hour(feed, tmp_path):
    grid = WindowGrid("P1D", "2024-10-26T01:30:00")
    feed.read = lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC)  # compares local times as text
    for id, at in enumerate(["2024-10-26T03:30:00", "2024-10-27T02:10:00", "2024-10-27T02:50:00"]):
        feed.put(id, feed.read(at), at=at)
    timestamps = TimestampFormat(format="%Y-%m-%dT%H:%M:%S", timezone="Europe/Amsterdam")
    slices = grid.slices([grid.find("2024-10-26T01:30:00")], now=NOW.replace(year=2025), lookback=SECOND)
    assert read_slices(build_connector(tmp_path, feed, Cursor(timestamp_format=timestamps)), slices) == ([3], [0, 1, 2])


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/Los_Angeles", "UTC"])
def test_dates_of_the_time_zone_of_the_api_lose_no_row_at_the_edges_of_windows(feed, tmp_path, zone):
    days = TimestampFormat(format="%Y-%m-%d", granularity=DAY, timezone=zone)
    feed.read = lambda text: datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    moments = [START + timedelta(hours=6 * count, minutes=30) for count in range(-8, 4 * 62)]
    for id, at in enumerate(moments):
        feed.put(id, at, at=at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d"))
    inside = [id for id, (_, row) in feed.rows.items() if START <= days.decode(row["at"]) < NEXT_END]
    connector = build_connector(tmp_path, feed, Cursor(timestamp_format=days), column="date")
    assert read_slices(connector, slices(2))[1] == inside


def test_an_api_that_means_either_of_two_equal_local_times_loses_no_row(feed, tmp_path):
    grid, zone = WindowGrid("PT30M", "2024-10-26T22:00:00"), ZoneInfo("Europe/Amsterdam")
    local = TimestampFormat(format="%Y-%m-%dT%H:%M:%S", timezone=zone.key)
    for id, minutes in enumerate(range(5, 360, 10)):
        at = datetime(2024, 10, 26, 22, tzinfo=UTC) + timedelta(minutes=minutes)
        feed.put(id, at, at=at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S"))
    windows = grid.opened(datetime(2024, 10, 27, 4, tzinfo=UTC))
    slices = grid.slices(windows, now=NOW.replace(year=2025), lookback=SECOND)
    for fold in (0, 1):
        feed.read = lambda text, fold=fold: datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)
        connector = build_connector(tmp_path, feed, Cursor(timestamp_format=local))
        assert read_slices(connector, slices)[1] == list(range(36))


def test_a_column_without_a_time_zone_keeps_the_local_time(feed, warehouse, tmp_path):
    feed.put(1, START + DAY, at="2024-01-02T01:00:00")
    local = TimestampFormat(format="%Y-%m-%dT%H:%M:%S", timezone="Europe/Amsterdam")
    connector = build_connector(tmp_path, feed, Cursor(timestamp_format=local))
    schema = connector.schema.read_text().replace(
        "data_type: timestamp", "data_type: timestamp\n        timezone: false"
    )
    connector.schema.write_text(schema)
    load_slices(connector.graph["changes"], slices(1))
    assert warehouse.column("feed.changes", '"at"') == [datetime(2024, 1, 2, 1)]


@pytest.mark.parametrize("value", ["soon", "1711111112222", "1711111112222.5", True, {}])
def test_a_cursor_that_is_not_a_timestamp_fails_and_is_named(feed, tmp_path, value):
    feed.put(1, START, at=value)
    with pytest.raises(
        RowError, match=r"feed/changes window 2024-01-01: cursor 'at' contains .*, which is not a timestamp"
    ):
        read_slices(build_connector(tmp_path, feed, Cursor()), slices(4))


def test_an_option_of_incremental_that_would_be_ignored_is_refused(feed, tmp_path):
    connector = build_connector(tmp_path, feed, Cursor())
    config: Any = deepcopy(dict(connector.config))
    config["resources"][0]["endpoint"]["incremental"]["on_cursor_value_missing"] = "exclude"
    with pytest.raises(
        ValueError, match=r"feed/changes: \['on_cursor_value_missing'\] of 'incremental' are not supported"
    ):
        replace(connector, config=config)


@pytest.mark.parametrize("step", [None, "P7D"])
def test_rows_without_a_cursor_are_kept_for_whichever_window_the_api_returns_them(feed, tmp_path, warehouse, step):
    # The API filters by another time than that in the cursor.
    asked = slices(3)
    for id, (slice_, day) in enumerate((slice_, day) for slice_ in asked for day in (0, 20)):
        feed.put(id, slice_.window.start + day * DAY, at=None)
    connector = build_connector(tmp_path, feed, Cursor(request_step=step))
    counts = load_slices(connector.graph["changes"], asked)
    assert warehouse.ids("feed.changes") == list(range(6))
    assert [stats.rows for stats in counts.values()] == [2, 2, 2]
