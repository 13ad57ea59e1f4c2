"""What an API grants is not exceeded, however many threads and processes ask at once."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from connectors_dagster.http.rate_limiter import RateLimiter
from connectors_dagster.read.connection import connect
from tests.support.shop import things
from tests.support.wire import reply

OTHER_PROCESS = """
import sys, time
from pathlib import Path
from connectors_dagster.http.rate_limiter import RateLimiter
with RateLimiter(folder=Path(sys.argv[1]), at_once=2).request(time.sleep):
    print("here", flush=True)
    sys.stdin.read()
"""


class NoSleepError(Exception):
    """Raised instead of sleeping."""


def no_sleep(seconds: float) -> None:
    raise NoSleepError(seconds)


def test_no_more_threads_make_requests_at_once_than_are_granted(tmp_path):
    limiter, most, here, lock = RateLimiter(folder=tmp_path, at_once=3), 0, 0, threading.Lock()
    full = threading.Event()

    def ask(_):
        nonlocal most, here
        with limiter.request(time.sleep):
            with lock:
                here += 1
                most = max(most, here)
                if here == 3:
                    full.set()
            full.wait(10)
            with lock:
                here -= 1

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(ask, range(30)))
    assert most == 3


def test_another_process_counts_and_gives_its_place_back_however_it_ends(tmp_path):
    limiter = RateLimiter(folder=tmp_path, at_once=2)
    command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "here\n"
        with (
            limiter.request(no_sleep),
            pytest.raises(NoSleepError),
            RateLimiter(folder=tmp_path, at_once=2).request(no_sleep),
        ):
            pass
        other.kill()
        other.wait()
    with limiter.request(no_sleep), RateLimiter(folder=tmp_path, at_once=2).request(no_sleep):
        pass


def test_requests_in_any_minute_are_as_many_as_granted_for_all_who_share_the_folder(tmp_path):
    for _ in range(2):
        with RateLimiter(folder=tmp_path, at_once=9, per_minute=3).request(no_sleep):
            pass
    with RateLimiter(folder=tmp_path, at_once=9, per_minute=3).request(no_sleep):
        pass
    with pytest.raises(NoSleepError) as asked, RateLimiter(folder=tmp_path, at_once=9, per_minute=3).request(no_sleep):
        pass
    (seconds,) = asked.value.args
    assert 50 < seconds <= 60


def test_the_wait_ends_when_the_first_request_is_out_of_the_interval(tmp_path):
    limiter = RateLimiter(folder=tmp_path, at_once=1, per_minute=2, interval=200)
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        time.sleep(seconds)

    for _ in range(3):
        with limiter.request(sleep):
            pass
    assert 0 < sum(slept) < 1


def test_an_api_that_says_no_request_is_left_is_given_a_rest_before_the_next(shop, read, project, waits):
    resource = things(project, paginator={"type": "offset", "limit": 2, "total_path": None})
    shop.replies = [
        reply(b'{"data": [{"id": "1"}, {"id": "2"}]}', "200 OK", **{"X-RateLimit-Remaining": "0"}),
        reply(b'{"data": [{"id": "2"}]}', "200 OK", **{"X-RateLimit-Remaining": "499"}),
    ]
    _, stats = read(replace(resource.connector, rate_limit_header="X-RateLimit-Remaining").graph["things"])
    assert (waits, stats.waited, stats.requests) == ([20], 20, 2)


def test_configuration_says_how_much_is_granted_where_the_plan_with_the_api_does(shop, project, monkeypatch):
    connector = replace(things(project).connector, requests_per_minute=240)
    assert connect(connector).policy.rate_limiter.per_minute == 240
    monkeypatch.setenv("SOURCES__SHOP__REQUESTS_PER_MINUTE", "3500")
    monkeypatch.setenv("SOURCES__SHOP__MAX_PARALLEL_REQUESTS", "7")
    limiter = connect(connector).policy.rate_limiter
    assert (limiter.per_minute, limiter.at_once) == (3500, 7)
