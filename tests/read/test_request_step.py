"""A window may be read with several requests, each for a part of it, and no row is lost or doubled at their edges."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from starlette.responses import JSONResponse

from connectors_dagster import Cursor, ResourceOptions, TimestampFormat
from connectors_dagster.read.connection import connect
from connectors_dagster.read.trial import Trial
from tests.support.requested import Asked, Requested, connector_of, load_resources
from tests.support.rows import NOW

JANUARY = "2024-01-01"
DAYS = TimestampFormat(format="%Y-%m-%d", granularity=timedelta(days=1), timezone="Europe/Amsterdam")
FORMATS = {"seconds": TimestampFormat(), "days": DAYS}


@pytest.fixture
def api() -> Iterator[Requested]:
    with Requested().served() as api:
        yield api


def visits(folder: Any, api: Requested, *, append: bool = False, **cursor: Any) -> Any:
    endpoint = {
        "path": "/visits",
        "incremental": {"cursor_path": "made", "start_param": "since", "end_param": "until"},
    }
    resource = {
        "name": "visits",
        "primary_key": "id",
        "write_disposition": "append" if append else "merge",
        "endpoint": endpoint,
    }
    options = {"visits": ResourceOptions(cursor=Cursor(request_step="P7D", **cursor))}
    return connector_of(folder, api.url, resource, options=options)


@pytest.mark.parametrize("lower", ["inclusive", "exclusive"])
@pytest.mark.parametrize("format", FORMATS)
def test_the_parts_of_a_window_lose_and_double_no_row_at_their_edges(api, warehouse, tmp_path, lower, format):
    timestamps = FORMATS[format]
    made = [f"2024-01-{day:02}T{time}Z" for day in (1, 7, 8, 15, 30) for time in ("00:00:00", "23:00:00", "23:59:59")]
    rows = [{"id": number, "made": at} for number, at in enumerate(made)]

    def answer(asked: Asked) -> Any:
        since, until = (timestamps.decode(asked.query[name]) for name in ("since", "until"))
        found = ((row, timestamps.floor(timestamps.decode(row["made"]))) for row in rows)
        return {
            "data": [row for row, at in found if at <= until and (at > since if lower == "exclusive" else at >= since)]
        }

    api.answer = answer
    connector = visits(tmp_path, api, append=True, timestamp_format=timestamps, lower=lower)
    stats = next(iter(load_resources(connector, JANUARY)["visits"].values()))
    assert warehouse.ids("shop.visits") == [row["id"] for row in rows]
    assert (stats.rows, stats.requests, len(api.asked)) == (len(rows), 5, 5)
    assert len({asked.query["since"] for asked in api.asked}) == 5


def test_a_part_that_fails_is_named_and_fails_its_window(api, tmp_path):
    api.answer = lambda asked: (
        JSONResponse({}, status_code=422) if asked.query["since"] == "2024-01-15T00:00:00Z" else {"data": []}
    )
    with pytest.raises(Exception, match=r"shop/visits window 2024-01-01 part 2024-01-15: GET .* answered 422"):
        load_resources(visits(tmp_path, api), JANUARY)


def test_no_part_is_requested_that_lies_in_the_future_or_was_read_before(api, tmp_path):
    (last,) = (window for window in load_resources(visits(tmp_path, api))["visits"] if window and not window.complete)
    asked = sorted(one.query["since"] for one in api.asked)
    assert asked[0] == "2024-01-01T00:00:00Z"
    assert asked[-1] <= (NOW + timedelta(days=1)).isoformat() < last.window.end.isoformat()
    api.asked.clear()
    resumed = last.resumed(last.until, lookback=timedelta(0))
    load_resources(visits(tmp_path, api), slices=[resumed])
    assert [one.query["since"] for one in api.asked] == [last.until.strftime("%Y-%m-%dT%H:%M:%SZ")]


def test_a_trial_requests_no_more_than_the_step(api, tmp_path):
    connector = visits(tmp_path, api)
    hourly = {"visits": ResourceOptions(cursor=Cursor(request_step="PT1H"))}
    connector = connector_of(tmp_path, api.url, connector.config["resources"][0], options=hourly)
    Trial(connect(connector), NOW).rows(connector.graph["visits"])
    ((since, until),) = ((one.query["since"], one.query["until"]) for one in api.asked)
    decode = TimestampFormat().decode
    assert decode(until) - decode(since) == timedelta(hours=1)


def test_a_step_that_cannot_be_requested_is_refused(tmp_path):
    for step, said in (("PT0S", "it must be positive"), ("a day", "is not an ISO 8601 duration")):
        with pytest.raises(ValueError, match=f"Cursor: request_step .*{said}"):
            Cursor(request_step=step)
    endpoint = {"path": "/visits", "incremental": {"cursor_path": "made", "start_param": "since"}}
    resource = {"name": "visits", "primary_key": "id", "write_disposition": "merge", "endpoint": endpoint}
    options = {"visits": ResourceOptions(cursor=Cursor(request_step="P1D"))}
    with pytest.raises(ValueError, match="request_step is set, but the API's filter has no upper bound"):
        connector_of(tmp_path, "https://shop.example", resource, options=options)
