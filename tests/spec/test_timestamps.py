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
        (ISO, NEW_YEAR.replace(tzinfo=None)),
        (ISO, date(2024, 1, 1)),
        (SECONDS, 1704067200.0),
        (SECONDS, "1704067200"),
        (SECONDS, "2024-01-01T00:00:00Z"),
        (MILLISECONDS, 1704067200000),
        (MILLISECONDS, "1704067200000"),
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
    "timestamp_format", [ISO, SECONDS, MILLISECONDS, TimestampFormat(format="%Y-%m-%d", granularity=timedelta(days=1))]
)
def test_bounds_rounded_to_the_granularity_are_read_back_unchanged(timestamp_format: TimestampFormat):
    bound = timestamp_format.ceil(NEW_YEAR + timedelta(days=30, hours=5, microseconds=1))
    assert timestamp_format.decode(timestamp_format.encode(bound)) == bound
    assert bound - timestamp_format.floor(bound - timedelta(microseconds=1)) == timestamp_format.granularity


@pytest.mark.parametrize(
    ("format", "granularity"),
    [
        ("%Y-%m-%d", timedelta(seconds=1)),
        ("epoch_seconds", timedelta(milliseconds=1)),
        ("%Y-%m-%dT%H:%M:%SZ", timedelta(milliseconds=1)),
        ("epoch_second", timedelta(seconds=1)),
        ("%s", timedelta(seconds=1)),
        ("%Y-%m-%dT%H:%M:%SZ", timedelta(0)),
    ],
)
def test_a_format_that_cannot_write_the_granularity_is_refused(format: str, granularity: timedelta):
    with pytest.raises(ValueError, match=r"TimestampFormat: .* (cannot write|cannot be read back|longer than zero)"):
        TimestampFormat(format=format, granularity=granularity)
