"""A timestamp format reads and writes timestamps as its API does, or refuses them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connectors_dagster import TimestampFormat

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
ISO, SECONDS, MILLISECONDS = (
    TimestampFormat(),
    TimestampFormat(format="epoch_seconds"),
    TimestampFormat(format="epoch_milliseconds", granularity=timedelta(milliseconds=1)),
)
AMSTERDAM = TimestampFormat(format="%Y-%m-%dT%H:%M:%S", timezone="Europe/Amsterdam")
DAYS_IN_AMSTERDAM = TimestampFormat(format="%Y-%m-%d", granularity=timedelta(days=1), timezone="Europe/Amsterdam")


@pytest.mark.parametrize(
    ("timestamp_format", "value"),
    [
        (ISO, "2024-01-01T00:00:00"),
        (ISO, "2024-01-01t00:00:00z"),
        (ISO, "2024-01-01T02:00:00+02:00"),
        (ISO, "2023-12-31T18:30:00-0530"),
        (ISO, "2024-01-01 00:00:00.000000000"),
        (ISO, " 2024-01-01 "),
        (ISO, "20240101"),
        (ISO, 1704067200),
        (ISO, 20240101),
        (ISO, 20240101.0),
        (ISO, NEW_YEAR.replace(tzinfo=None)),
        (ISO, date(2024, 1, 1)),
        (SECONDS, 1704067200.0),
        (SECONDS, "1704067200"),
        (SECONDS, "2024-01-01T00:00:00Z"),
        (MILLISECONDS, 1704067200000),
        (MILLISECONDS, "1704067200000"),
        (MILLISECONDS, "1704067200000.0"),
        (SECONDS, "1704067200.000"),
        (TimestampFormat(format="%Y%m%d%H%M%S"), 20240101000000),
        (TimestampFormat(format="%Y%m%d%H%M", granularity=timedelta(minutes=1)), 202401010000),
        (TimestampFormat(format="epoch_microseconds"), 1704067200000000),
        (TimestampFormat(format="epoch_nanoseconds"), "1704067200000000999"),
        (ISO, "2023-12-31T24:00:00Z"),
        (ISO, "2024-01-01T02:00:00.000+02:00"),
        (ISO, "2023-12-31 24:00+00"),
        (ISO, "2024-01-01 00:00:00 UTC"),
        (ISO, "2024-01-01 00:00:00.000 gmt"),
        (ISO, "2024-01-01T00:00UTC"),
        (ISO, "2024-01-01 UTC"),
        (ISO, "2023-12-31 24:00:00 UTC"),
        (ISO, "2024-01-01 02:00:00 +0200"),
        (ISO, "2024-01-01 02:00:00 +02:00"),
        (ISO, "2023-12-31T23:59:60Z"),
        (ISO, "2024-01-01T14:00:00+14:00"),
        (ISO, "2024-01-01T00:00:00.000000999Z"),
        (ISO, "2024-01-01Z"),
        (AMSTERDAM, "2023-12-31T24:00:00+00:00"),
        (AMSTERDAM, "2024-01-01T01:00:00"),
        (AMSTERDAM, "2024-01-01T00:00:00Z"),
        (TimestampFormat(format="%d/%m/%Y %H:%M:%S", timezone="America/New_York"), "31/12/2023 19:00:00"),
        (TimestampFormat(format="%d/%m/%Y %H:%M:%S"), "01/01/2024 00:00:00"),
    ],
)
def test_every_form_of_a_timestamp_gives_the_same_result(timestamp_format: TimestampFormat, value: Any):
    assert timestamp_format.decode(value) == NEW_YEAR


@pytest.mark.parametrize(
    ("timestamp_format", "value"),
    [
        (ISO, value)
        for value in [
            "",
            "soon",
            "2024",
            "1704067200",
            "1711111112222",
            "1711111112222.5",
            20241301,
            "01/02/24",
            "2024-01-01 00:00:00 EST",
            "2024-01-01 02:00:00 +0200 UTC",
            "UTC",
            "24-01-01",
            1704067200000000000,
            "2024-01-01T24:00:01Z",
            "2024-01-01T23:59:61Z",
            202401010000,
            20240101000000,
            "0001-01-01T00:00:00+02:00",
            None,
            True,
            {},
            [],
        ]
    ]
    + [(SECONDS, value) for value in [1704067200000, float("nan"), float("inf"), "1e999999", "soon"]],
)
def test_a_value_that_is_not_a_timestamp_is_refused(timestamp_format: TimestampFormat, value: Any):
    with pytest.raises(ValueError, match="is not a timestamp"):
        timestamp_format.decode(value)


@pytest.mark.parametrize(
    "timestamp_format",
    [
        *(ISO, SECONDS, MILLISECONDS, TimestampFormat(format="%Y-%m-%d", granularity=timedelta(days=1))),
        TimestampFormat(format="%Y-%m-%dT%H:%M:%S.%_msZ", granularity=timedelta(milliseconds=1)),
    ],
)
def test_bounds_rounded_to_the_granularity_are_read_back_unchanged(timestamp_format: TimestampFormat):
    bound = timestamp_format.ceil(NEW_YEAR + timedelta(days=30, hours=5, microseconds=1))
    assert timestamp_format.decode(timestamp_format.encode(bound)) == bound
    assert bound - timestamp_format.floor(bound - timedelta(microseconds=1)) == timestamp_format.granularity


def test_milliseconds_are_written_with_three_digits():
    written = TimestampFormat(format="%H:%M:%S.%_ms %Y-%m-%d", granularity=timedelta(milliseconds=1))
    assert written.encode(NEW_YEAR + timedelta(microseconds=7_999)) == "00:00:00.007 2024-01-01"


def test_a_format_that_iso_8601_reads_as_another_date_is_refused():
    with pytest.raises(ValueError, match=r"writes 5 January as 2024-05-01, which is another date in ISO 8601"):
        TimestampFormat(format="%Y-%d-%m", granularity=timedelta(days=1))


@pytest.mark.parametrize(
    ("format", "granularity"),
    [
        ("%Y-%m-%d", timedelta(seconds=1)),
        ("epoch_seconds", timedelta(milliseconds=1)),
        ("%Y-%m-%dT%H:%M:%SZ", timedelta(milliseconds=1)),
        ("%s", timedelta(seconds=1)),
        ("%Y-%m-%dT%H:%M:%SZ", timedelta(0)),
    ],
)
def test_a_format_that_cannot_write_the_granularity_is_refused(format: str, granularity: timedelta):
    with pytest.raises(ValueError, match=r"TimestampFormat: .* (cannot write|cannot be read back|longer than zero)"):
        TimestampFormat(format=format, granularity=granularity)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2024-03-31T01:59:59", "2024-03-31T00:59:59"),
        ("2024-03-31T02:30:00", "2024-03-31T01:30:00"),  # skipped: clocks go from 2:00 to 3:00
        ("2024-03-31T03:00:00", "2024-03-31T01:00:00"),
        ("2024-07-01", "2024-06-30T22:00:00"),
        ("2024-10-27T02:30:00", "2024-10-27T00:30:00"),  # occurs twice: clocks go from 3:00 to 2:00
        ("2024-10-27T03:00:00", "2024-10-27T02:00:00"),
    ],
)
def test_local_times_follow_the_rules_of_their_time_zone(local: str, utc: str):
    assert AMSTERDAM.decode(local) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_a_misspelled_name_of_a_format_is_answered_with_the_one_that_is_meant():
    with pytest.raises(ValueError, match="'epoch_second' writes no time; did you mean 'epoch_seconds'"):
        TimestampFormat(format="epoch_second")


def test_bounds_are_written_in_the_time_zone_of_the_api():
    assert AMSTERDAM.encode(datetime(2024, 7, 1, tzinfo=UTC)) == "2024-07-01T02:00:00"


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(ValueError, match="TimestampFormat: timezone 'Europe/Amsterdm' is not an IANA time zone"):
        TimestampFormat(timezone="Europe/Amsterdm")


@pytest.mark.parametrize(
    ("read", "settled"), [("23:59", "23:59"), ("00:30", "22:30"), ("01:59", "23:59"), ("02:00", "02:00")]
)
def test_nothing_of_the_hour_that_occurs_twice_is_settled_before_it_has_passed(read: str, settled: str):
    def in_the_night_of_the_change(text: str) -> datetime:
        return datetime.fromisoformat(f"2024-10-{26 if text > '20' else 27}T{text}Z")

    assert AMSTERDAM.settled(in_the_night_of_the_change(read)) == in_the_night_of_the_change(settled)


def test_a_format_that_says_utc_beside_another_time_zone_is_refused():
    with pytest.raises(ValueError, match="ends in Z, which is UTC, but timezone is 'Europe/Amsterdam'"):
        TimestampFormat(timezone="Europe/Amsterdam")
    assert TimestampFormat(format="%Y-%m-%dT%H:%M:%S%z", timezone="Europe/Amsterdam").encode(NEW_YEAR).endswith("+0100")


@pytest.mark.parametrize("timestamp_format", [SECONDS, MILLISECONDS], ids=lambda one: one.format)
@pytest.mark.parametrize("value", [20240101, "20240101", 19991231.0])
def test_a_date_in_digits_is_not_taken_for_a_number_of_seconds(
    timestamp_format: TimestampFormat, value: int | str | float
):
    with pytest.raises(ValueError, match="is not a timestamp"):
        timestamp_format.decode(value)


def test_a_date_with_an_offset_is_midnight_there():
    assert ISO.decode("2024-01-01+14:00") == ISO.decode("2023-12-31T10:00:00Z")
    assert ISO.decode("2024-01-01-05:00") == ISO.decode("2024-01-01T05:00:00Z")


@pytest.mark.parametrize(
    ("moment", "floor", "ceil"),
    [
        ("2024-01-01T12:00", "2023-12-31T23:00", "2024-01-01T23:00"),
        ("2024-03-31T12:00", "2024-03-30T23:00", "2024-03-31T22:00"),
        ("2024-10-27T12:00", "2024-10-26T22:00", "2024-10-27T23:00"),
        ("2024-07-01T22:00", "2024-07-01T22:00", "2024-07-01T22:00"),
    ],
)
def test_days_begin_at_midnight_of_the_time_zone(moment: str, floor: str, ceil: str):
    moments = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (moment, floor, ceil)]
    assert [DAYS_IN_AMSTERDAM.floor(moments[0]), DAYS_IN_AMSTERDAM.ceil(moments[0])] == moments[1:]


@pytest.mark.parametrize(
    "zone", ["Europe/Amsterdam", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)], ids=str)
def test_rounding_never_goes_to_the_wrong_side_whatever_clocks_do(zone: str, step: timedelta):
    local = TimestampFormat(format="%Y-%m-%dT%H:%M:%S", granularity=step, timezone=zone)
    for minutes in range(0, 366 * 24 * 60, 37):
        moment = NEW_YEAR + timedelta(minutes=minutes)
        assert local.settled(moment) <= local.floor(moment) <= moment <= local.ceil(moment)
