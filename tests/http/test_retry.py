"""Which requests are retried and after how long, as each connector declares."""

import gzip
import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import dagster as dg
import orjson
import pytest
from starlette.responses import RedirectResponse, Response

from connectors_dagster.errors import ApiError, TransientApiError
from tests.support.rows import order
from tests.support.wire import reply, reset, silent, stalled

ROWS = {"data": [{"id": "1", "name": "Cup"}, {"id": "2", "name": "Müsli"}]}
LAST = {"data": ROWS["data"][1:]}
"""The page after the first: only the last row of the first page."""
ONE_OF_EACH = {
    "storefront": ("storefront/customers", "/customers"),
    "catalog": ("catalog/ecommerce_data", "/v1/resource"),
    "fulfillment": ("fulfillment/customers", "/customers"),
    "billing": ("billing/event_types", "/event-types"),
    "subscriptions": ("subscriptions/addon", "/addons"),
}


@pytest.fixture
def catalog(wire, monkeypatch):
    """A server of raw bytes, to which the catalog's settings point."""
    monkeypatch.setenv("SOURCES__CATALOG__BASE_URL", wire.url)
    monkeypatch.setenv("SOURCES__CATALOG__API_KEY", "some-key")
    return wire


# Statuses, attempts and waits


@pytest.mark.parametrize("connector", ["storefront", "catalog", "billing", "subscriptions"])
def test_a_transient_status_is_retried_after_2_4_and_8_seconds(api, read, waits, connector):
    resource, path = ONE_OF_EACH[connector]
    for status in (429, 500, 502, 503, 504):
        waits.clear()
        api.answer(path, status, times=3)
        _, stats = read(resource)
        assert (status, waits) == (status, [2, 4, 8])
        # An empty page without a total is confirmed by another request.
        assert (stats.requests, stats.retries, stats.waited) == (5 if connector == "catalog" else 4, 3, 14)


@pytest.mark.parametrize(
    ("connector", "status", "expected"),
    [
        ("storefront", 503, [2, 4, 8]),
        ("catalog", 503, [2, 4, 8]),
        ("billing", 503, [2, 4, 8]),
        ("subscriptions", 503, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900]),
        ("fulfillment", 429, [2, 4, 8]),
        ("fulfillment", 503, []),
    ],
)
def test_a_connector_gives_up_when_its_own_retries_are_used_up(api, read, waits, connector, status, expected):
    resource, path = ONE_OF_EACH[connector]
    api.answer(path, status, {"message": "busy"})
    with pytest.raises(TransientApiError, match=rf'{resource}: GET .* answered {status}: {{"message":"busy"}}'):
        read(resource)
    assert waits == expected
    assert len(api.asked(path)) == 1 + len(expected)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, ""),
        (401, "credentials of this source: SOURCES__CATALOG__API_KEY"),
        (403, "scope"),
        (404, "base_url and path"),
        (422, ""),
    ],
)
def test_a_permanent_status_fails_without_a_retry_and_says_what_to_do(api, read, waits, status, advice):
    api.answer("/v1/resource", status, {"message": "no such thing"})
    with pytest.raises(ApiError, match=f"answered {status}: .*no such thing.*{advice}") as error:
        read("catalog/ecommerce_data")
    assert not isinstance(error.value, TransientApiError)
    assert waits == []


@pytest.mark.parametrize("connector", ONE_OF_EACH)
def test_retry_after_determines_the_wait(api, read, waits, connector):
    resource, path = ONE_OF_EACH[connector]
    by_header = {"7": 7, " 90 ": 90, "0.5": 0.5, "0": 0, None: 2, "soon": 2, "-1": 2, "nan": 2, "": 2}
    for header in by_header:
        api.answer(path, 429, times=1, headers={} if header is None else {"Retry-After": header})
        read(resource)
    assert waits == list(by_header.values())


@pytest.mark.parametrize(("ahead", "expected"), [(100, 100), (-100, 2), (0, 2)])
def test_a_date_in_retry_after_is_compared_with_the_apis_own_clock(catalog, read, waits, ahead, expected):
    its_now = datetime(2031, 5, 1, 12, tzinfo=UTC)
    dates = {"Date": its_now, "Retry-After": its_now + timedelta(seconds=ahead)}
    headers = {name: format_datetime(at, usegmt=True) for name, at in dates.items()}
    catalog.replies = [reply({}, "429 Too Many Requests", **headers), reply(ROWS), reply(LAST)]
    read("catalog/ecommerce_data")
    assert waits == [expected]


def test_a_retry_after_beyond_the_maximum_wait_is_not_retried(api, read, waits):
    api.answer("/addons", 429, {"message": "daily quota"}, headers={"Retry-After": "43200"})
    with pytest.raises(TransientApiError, match=r"daily quota.*Retry-After is 43200 s, but a run waits at most 900 s"):
        read("subscriptions/addon")
    assert waits == []
    assert len(api.asked("/addons")) == 1


# Broken responses


@pytest.mark.parametrize(
    "fault",
    [
        reset,
        silent,
        stalled,
        reply(ROWS, length=1_000),
        reply(b'{"data": [{"id"'),
        reply(b"<html>We will be back soon</html>", Content_Type="text/html"),
        reply(b""),
        reply(b"", "204 No Content"),
        reply(b"no gzip at all", Content_Encoding="gzip"),
        reply(gzip.compress(orjson.dumps(ROWS))[:-20], Content_Encoding="gzip"),
    ],
    ids="reset silent stalled cut_off truncated html empty no_content no_gzip half_gzip".split(),
)
def test_a_broken_response_is_retried(catalog, read, waits, in_a_hurry, fault):
    catalog.replies = [fault, reply(ROWS), reply(LAST)]
    rows, stats = read("catalog/ecommerce_data")
    assert rows == ROWS["data"]
    assert (waits, stats.retries) == ([2], 1)


def test_a_page_that_is_retried_is_loaded_once(catalog, load, warehouse, waits):
    catalog.replies = [reply(ROWS), reset, reply(LAST, length=1_000), reply(LAST)]
    load("catalog/ecommerce_data")
    assert warehouse.ids("catalog.ecommerce_data") == ["1", "2"]
    assert waits == [2, 4]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (reset, "failed: .*Connection reset|failed: .*Connection aborted"),
        (silent, "failed: .*[Tt]imed out"),
        (stalled, "failed: .*[Tt]imed out"),
        (reply(ROWS, length=1_000), "failed: .*IncompleteRead"),
        (reply(b'{"data": [{"id"'), 'answered 200 with a body that is not JSON .*, beginning with \'{"data"'),
        (
            reply(b"<html>", Content_Type="text/html"),
            r"not JSON \(text/html\), beginning with '<html>': check base_url",
        ),
        (reply(b""), "answered 200 with an empty body: check base_url"),
    ],
    ids="reset silent stalled cut_off truncated html empty".split(),
)
def test_a_response_that_stays_broken_fails_and_says_why(catalog, read, waits, in_a_hurry, fault, words):
    catalog.replies = [fault]
    with pytest.raises(TransientApiError, match=f"catalog/ecommerce_data: GET .*{words}"):
        read("catalog/ecommerce_data")
    assert waits == [2, 4, 8]


def test_a_refused_connection_is_retried_and_then_reported_with_its_cause_first(read, waits, monkeypatch, caplog):
    monkeypatch.setenv("SOURCES__CATALOG__BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SOURCES__CATALOG__API_KEY", "some-key")
    said = r"^catalog/ecommerce_data: the API did not answer at 127\.0\.0\.1:1: connection refused; .*\(GET http"
    with pytest.raises(TransientApiError, match=said):
        read("catalog/ecommerce_data")
    assert waits == [2, 4, 8]
    assert "http://127.0.0.1:1/v1/resource: connection refused, retry 1 of 3 in 2.0 s" in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        reply(gzip.compress(orjson.dumps(ROWS)), Content_Encoding="gzip"),
        reply(ROWS, Content_Type="text/html; charset=utf-8"),
        reply(ROWS, Content_Type="nonsense"),
        reply(b"\xef\xbb\xbf" + orjson.dumps(ROWS)),
        reply(orjson.dumps(ROWS).decode().encode("latin-1"), Content_Type="application/json; charset=latin-1"),
    ],
    ids="gzip html_type nonsense_type byte_order_mark latin_1".split(),
)
def test_a_complete_response_with_unusual_encoding_or_type_is_read(catalog, read, waits, answer):
    catalog.replies = [answer, reply(LAST)]
    rows, _ = read("catalog/ecommerce_data")
    assert [row["name"] for row in rows] == ["Cup", "Müsli"]
    assert waits == []


@pytest.mark.parametrize("status", ["304 Not Modified", "300 Multiple Choices"])
def test_a_redirect_without_a_location_fails(catalog, read, waits, status):
    catalog.replies = [reply(b"", status)]
    with pytest.raises(ApiError, match=f"answered {status[:3]} without a Location header"):
        read("catalog/ecommerce_data")


# Logs and counts


def test_every_retry_is_logged_with_window_reason_and_wait(api, load, waits, caplog):
    api.answer("/orders", 503, times=1)
    api.answer("/orders", 429, times=1, headers={"Retry-After": "30"})
    load("storefront/orders", windows=["2024-01-31"])
    messages = [r.getMessage() for r in caplog.records if ", retry " in r.getMessage()]
    begin = f"storefront/orders window 2024-01-31: http://127.0.0.1:{api.port}/storefront/orders:"
    assert messages == [
        f"{begin} status 503, retry 1 of 3 in 2.0 s",
        f"{begin} status 429, retry 2 of 3 in 30.0 s",
    ]
    assert {r.levelno for r in caplog.records if ", retry " in r.getMessage()} == {logging.WARNING}


def test_retries_and_waits_are_counted_with_the_window_they_were_for(api, load, waits):
    api.set("storefront/orders", [order(1, "2024-01-05T00:00:00")])
    api.answer("/orders", 502, times=2)
    stats_by_slice = load("storefront/orders", windows=["2024-01-01"])["storefront/orders"]
    assert [(stats.retries, stats.waited, stats.requests) for stats in stats_by_slice.values()] == [(2, 6, 3)]


def test_retries_and_waits_are_shown_with_the_materialization(api, materialize, instance, waits):
    api.answer("/event-types", 503, times=2)
    assert materialize("billing/event_types").errors == []
    event = instance.get_latest_materialization_event(dg.AssetKey(["billing", "event_types"]))
    metadata = event.asset_materialization.metadata
    assert [metadata[name].value for name in ("requests", "retries", "waited_seconds")] == [3, 2, 6.0]


# Retries are not multiplied, and waits end when the read has failed


def test_a_redirect_is_part_of_an_attempt_and_not_retried_separately(api, read, waits):
    api.answer("/v1/resource", response=lambda: RedirectResponse("/catalog/v2/moved"))
    api.answer("/v2/moved", 503)
    with pytest.raises(TransientApiError, match="answered 503"):
        read("catalog/ecommerce_data")
    assert waits == [2, 4, 8]
    assert (len(api.asked("/v1/resource")), len(api.asked("/v2/moved"))) == (4, 4)


def test_when_one_window_fails_the_others_stop_waiting(api, load):
    def fault(request):
        if not request.url.path.endswith("/orders"):
            return None
        if request.query_params["modified_after"] < "2024-01-02":
            # The others are already waiting when this one fails.
            return Response("{}", 401) if api.most_concurrent > 1 else None
        return Response("{}", 429, headers={"Retry-After": "60"})

    api.delay = 0.2
    api.faults.append(fault)
    started = time.monotonic()
    with pytest.raises(ApiError, match="answered 401"):
        load("storefront/orders")
    assert time.monotonic() - started < 30
