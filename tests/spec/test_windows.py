"""Windows are computed from a start date and a step, always with the same result."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors_dagster.spec.windows import Window, WindowGrid, describe_windows


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def keys(step: str, start: str, now: str) -> list[str]:
    return [window.key for window in WindowGrid(step, start).opened(at(now))]


def test_a_window_opens_exactly_at_its_start():
    assert keys("P30D", "2024-01-01", "2024-01-30T23:59:59") == ["2024-01-01"]
    assert keys("P30D", "2024-01-01", "2024-01-31") == ["2024-01-01", "2024-01-31"]
    assert keys("P30D", "2024-01-01", "2023-12-31T23:59:59") == []


@pytest.mark.parametrize(
    ("step", "start", "expected"),
    [
        ("P1M", "2024-01-31", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]),
        ("P1M", "2022-12-30", ["2022-12-30", "2023-01-30", "2023-02-28", "2023-03-30"]),
        ("P1Y", "2024-02-29", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("P1M15D", "2024-01-31", ["2024-01-31", "2024-03-15", "2024-04-30", "2024-06-14"]),
        ("P2W", "2024-02-20", ["2024-02-20", "2024-03-05", "2024-03-19"]),
        ("P1D", "2024-02-28", ["2024-02-28", "2024-02-29", "2024-03-01"]),
    ],
)
def test_steps_of_months_and_years_follow_the_calendar(step, start, expected):
    assert keys(step, start, "2030-01-01")[: len(expected)] == expected


def test_keys_contain_the_time_if_windows_do_not_start_at_midnight():
    assert keys("PT6H", "2024-01-01", "2024-01-02") == [
        "2024-01-01",
        "2024-01-01T06:00:00",
        "2024-01-01T12:00:00",
        "2024-01-01T18:00:00",
        "2024-01-02",
    ]
    assert keys("P1D", "2024-01-01T06:30:00", "2024-01-02T07:00") == ["2024-01-01T06:30:00", "2024-01-02T06:30:00"]


def test_a_start_date_in_another_time_zone_is_converted_to_utc():
    grid = WindowGrid("P1D", "2024-01-01T00:00:00+02:00")
    assert grid.name == "windows_P1D_from_2023-12-31T22:00:00"
    assert grid.opened(at("2024-01-01")) == [Window(at("2023-12-31T22:00"), at("2024-01-01T22:00"))]


@pytest.mark.parametrize("step", ["P30D", "P1M", "P1Y", "P1D", "PT6H", "P1M2DT3H"])
def test_adjacent_windows_have_no_gap_and_are_found_by_their_keys(step):
    grid = WindowGrid(step, "2024-01-31")
    windows = grid.opened(at("2026-03-01"))
    assert [window.start for window in windows[1:]] == [window.end for window in windows[:-1]]
    assert windows[-1].start <= at("2026-03-01") < windows[-1].end
    assert [grid.find(window.key) for window in windows] == windows


def test_ten_years_of_daily_windows_are_listed_and_found():
    grid, now = WindowGrid("P1D", "2014-01-01"), at("2024-01-01")
    assert len(grid.opened(now)) == len(grid.opened(now + timedelta(seconds=1))) == 3653
    assert grid.find("2023-12-31").end == now


def test_too_many_windows_are_refused():
    with pytest.raises(ValueError, match="has 315532801 windows, more than 100000: use a longer step"):
        WindowGrid("PT1S", "2014-01-01").opened(at("2024-01-01"))


@pytest.mark.parametrize(
    "key", ["2024-01-02", "2023-12-02", "2024-01-31T00:00:01", "9999-12-31", "last week", "../2024"]
)
@pytest.mark.parametrize("step", ["P30D", "P1M"])
def test_a_key_that_is_not_a_window_start_is_refused(step, key):
    with pytest.raises(ValueError, match=r"is not a window start: windows_|window key .* is not an ISO 8601 date"):
        WindowGrid(step, "2024-01-01").find(key)


@pytest.mark.parametrize(
    "step", ["", "30", "30D", "P", "P0D", "PT0S", "-P1D", "P-1D", "PT0.5S", "now", "P1D/P1M", "P9999999999D"]
)
def test_a_step_that_is_not_a_duration_is_refused(step):
    with pytest.raises(
        ValueError, match=rf"step '{step}' (is not an ISO 8601 duration|must be longer|is too long for)"
    ):
        WindowGrid(step, "2024-01-01")


@pytest.mark.parametrize(
    "start", ["", "01/02/2024", "2024-13-01", "now", "0001-01-01T00:00:00+02:00", "2024-01-01T00:00:00.5"]
)
def test_a_start_date_that_is_not_a_date_is_refused(start):
    with pytest.raises(ValueError, match=r"start date '.*' (is not an ISO 8601 date|has a fraction of a second)"):
        WindowGrid("P30D", start)


def test_neighbouring_windows_are_described_as_a_range():
    windows = WindowGrid("P1M", "2024-01-01").opened(datetime(2024, 12, 2, tzinfo=UTC))
    chosen = [windows[n] for n in (4, 0, 2, 1, 11)]
    assert describe_windows(chosen) == "2024-01-01 to 2024-03-01, 2024-05-01, 2024-12-01"
