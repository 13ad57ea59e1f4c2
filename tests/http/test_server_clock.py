"""The clock of an API, as its responses show it."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors_dagster.http.server_clock import LONGEST_LAG, lag_behind

SENT = datetime(2024, 4, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "lag"),
    [
        ({"Date": "Wed, 10 Apr 2024 11:45:00 GMT"}, timedelta(minutes=15)),
        ({"Date": "Wed, 03 Apr 2024 12:00:00 GMT"}, timedelta(days=7)),
        ({"Date": "Wed, 10 Apr 2024 11:45:00 GMT", "Age": "600"}, timedelta(minutes=5)),
        ({"Date": "Wed, 10 Apr 2024 11:59:00 GMT, Wed, 10 Apr 2024 12:00:00 GMT"}, timedelta(minutes=1)),
        ({"Date": "Thu, 01 Jan 1970 00:00:00 GMT"}, LONGEST_LAG),
        ({"Date": "Wed, 10 Apr 2024 11:59:58 GMT"}, timedelta(0)),
        ({"Date": "Wed, 10 Apr 2024 12:30:00 GMT"}, timedelta(0)),
        ({"Date": "Wed, 99 Apr 2024 12:30:00 GMT", "Age": "old"}, timedelta(0)),
        ({"Date": "yesterday"}, timedelta(0)),
        ({}, timedelta(0)),
    ],
)
def test_the_lag_of_a_clock_is_read_from_the_date_header(headers: dict[str, str], lag: timedelta):
    assert lag_behind(SENT, headers) == lag
