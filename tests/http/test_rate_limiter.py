"""An API's limits are not exceeded, however many threads and processes make requests."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from connectors_dagster.errors import SettingError
from connectors_dagster.http.file_limits import FileLimits
from connectors_dagster.http.rate_limiter import RateLimiter
from connectors_dagster.http.redis_limits import RedisLimits
from connectors_dagster.read.connection import connect
from tests.support.shop import things
from tests.support.wire import reply

OTHER_PROCESS = """
import sys, time
from pathlib import Path
from connectors_dagster.http.file_limits import FileLimits
from connectors_dagster.http.rate_limiter import RateLimiter
with RateLimiter(store=FileLimits(Path(sys.argv[1])), at_once=2).request(time.sleep):
    print("here", flush=True)
    sys.stdin.read()
"""


class NoSleepError(Exception):
    """Raised instead of sleeping."""


def no_sleep(seconds: float) -> None:
    raise NoSleepError(seconds)


def test_no_more_threads_make_concurrent_requests_than_allowed(tmp_path):
    limiter, most, here, lock = RateLimiter(store=FileLimits(tmp_path), at_once=3), 0, 0, threading.Lock()
    full = threading.Event()

    def make_request(_):
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
        list(pool.map(make_request, range(30)))
    assert most == 3


def test_requests_of_another_process_count_and_its_slot_is_released_even_if_it_is_killed(tmp_path):
    limiter = RateLimiter(store=FileLimits(tmp_path), at_once=2)
    command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "here\n"
        with (
            limiter.request(no_sleep),
            pytest.raises(NoSleepError),
            RateLimiter(store=FileLimits(tmp_path), at_once=2).request(no_sleep),
        ):
            pass
        other.kill()
        other.wait()
    with limiter.request(no_sleep), RateLimiter(store=FileLimits(tmp_path), at_once=2).request(no_sleep):
        pass


def test_processes_that_share_the_folder_share_the_limit_of_requests_per_minute(tmp_path):
    for _ in range(2):
        with RateLimiter(store=FileLimits(tmp_path), at_once=9, per_minute=3).request(no_sleep):
            pass
    with RateLimiter(store=FileLimits(tmp_path), at_once=9, per_minute=3).request(no_sleep):
        pass
    with (
        pytest.raises(NoSleepError) as refused,
        RateLimiter(store=FileLimits(tmp_path), at_once=9, per_minute=3).request(no_sleep),
    ):
        pass
    (seconds,) = refused.value.args
    assert 50 < seconds <= 60


def test_the_wait_ends_when_the_first_request_leaves_the_interval(tmp_path):
    limiter = RateLimiter(store=FileLimits(tmp_path), at_once=1, per_minute=2, interval=200)
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        time.sleep(seconds)

    for _ in range(3):
        with limiter.request(sleep):
            pass
    assert 0 < sum(slept) < 1


@pytest.mark.parametrize(("none_left", "some_left"), [("0", "499"), ("40/40", "39/40"), ("41 / 40", "0/40")])
def test_a_header_with_no_remaining_requests_delays_the_next_request(shop, read, project, waits, none_left, some_left):
    resource = things(project, paginator={"type": "offset", "limit": 2, "total_path": None})
    shop.replies = [
        reply(b'{"data": [{"id": "1"}, {"id": "2"}]}', "200 OK", **{"X-RateLimit-Remaining": none_left}),
        reply(b'{"data": [{"id": "2"}, {"id": "3"}]}', "200 OK", **{"X-RateLimit-Remaining": some_left}),
        reply(b'{"data": [{"id": "3"}]}', "200 OK"),
    ]
    connector = replace(resource.connector, rate_limit_header="X-RateLimit-Remaining", short_page_is_end=True)
    _, stats = read(connector.graph["things"])
    assert (waits, stats.waited, stats.requests) == ([20], 20, 3)


def test_the_configuration_overrides_the_limits_of_the_connector(shop, project, monkeypatch):
    connector = replace(things(project).connector, requests_per_minute=240)
    assert connect(connector).policy.rate_limiter.per_minute == 240
    monkeypatch.setenv("SOURCES__SHOP__REQUESTS_PER_MINUTE", "3500")
    monkeypatch.setenv("SOURCES__SHOP__MAX_PARALLEL_REQUESTS", "7")
    limiter = connect(connector).policy.rate_limiter
    assert (limiter.per_minute, limiter.at_once) == (3500, 7)


def test_threads_that_make_the_first_requests_at_the_same_time_share_the_slots(tmp_path):
    limiter, together = RateLimiter(store=FileLimits(tmp_path), at_once=2_000), threading.Barrier(8)

    def make_request(_):
        together.wait(10)
        with limiter.request(no_sleep):
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make_request, range(8)))


def damage_file(file):
    file.write_bytes(b"SQLite format 3" + b"garbage" * 1_000)


def make_it_a_folder(file):
    file.unlink()
    (file / "full").mkdir(parents=True)


def use_another_schema(file):
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE rate_bucket (something TEXT)")
    connection.close()


def write_requests_of_the_future(file):
    with sqlite3.connect(file) as connection:
        connection.executemany("INSERT INTO rate_bucket VALUES ('request', ?)", [(1 << 50,)] * 9)
    connection.close()


def write_text_for_times(file):
    with sqlite3.connect(file) as connection:
        connection.executemany("INSERT INTO rate_bucket VALUES ('request', ?)", [("soon",)] * 9)
    connection.close()


DAMAGE = [damage_file, make_it_a_folder, use_another_schema, write_requests_of_the_future, write_text_for_times]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("opened", [True, False], ids=["while it is open", "before"])
def test_a_file_of_requests_that_cannot_be_used_is_made_anew_and_named(tmp_path, caplog, damage, opened):
    first = RateLimiter(store=FileLimits(tmp_path), at_once=9, per_minute=3)
    with first.request(no_sleep):
        pass
    damage(tmp_path / "rate.sqlite")
    limiter = first if opened else RateLimiter(store=FileLimits(tmp_path), at_once=9, per_minute=3)
    for _ in range(3):
        with limiter.request(no_sleep):
            pass
    with pytest.raises(NoSleepError), limiter.request(no_sleep):
        pass
    assert "rate.sqlite cannot be used and is made anew" in caplog.text


def test_limiters_that_share_a_folder_go_on_sharing_it_after_it_was_deleted(tmp_path):
    one, other = (RateLimiter(store=FileLimits(tmp_path / "a" / "b"), at_once=9, per_minute=3) for _ in range(2))
    for limiter in (one, other):
        with limiter.request(no_sleep):
            pass
    shutil.rmtree(tmp_path / "a")
    for limiter in (one, other, one):
        with limiter.request(no_sleep):
            pass
    with pytest.raises(NoSleepError), other.request(no_sleep):
        pass


@pytest.mark.parametrize("name", ["rate.lock", "0.lock"])
def test_a_folder_in_place_of_a_lock_is_moved_aside(tmp_path, caplog, name):
    (tmp_path / name / "full").mkdir(parents=True)
    with RateLimiter(store=FileLimits(tmp_path), at_once=1, per_minute=3).request(no_sleep):
        pass
    assert f"{name} cannot be used and is made anew" in caplog.text


def test_a_file_in_place_of_the_folder_is_moved_aside(tmp_path, caplog):
    (tmp_path / "requests").write_text("no folder")
    with RateLimiter(store=FileLimits(tmp_path / "requests" / "shop"), at_once=1, per_minute=3).request(no_sleep):
        pass
    assert "it is not a folder" in caplog.text
    assert (tmp_path / "requests.unusable").read_text() == "no folder"


@pytest.mark.skipif(os.getuid() == 0, reason="root can read every file")
def test_files_that_cannot_be_read_are_moved_aside(tmp_path):
    for name in ("rate.lock", "0.lock", "rate.sqlite"):
        (tmp_path / name).touch(mode=0)
    with RateLimiter(store=FileLimits(tmp_path), at_once=1, per_minute=3).request(no_sleep):
        pass


def test_limits_in_redis_without_its_package_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    store = RedisLimits("redis://127.0.0.1:1/0", "shop", "CONNECTORS__REQUEST_LIMITS (127.0.0.1:1/0)")
    with (
        pytest.raises(SettingError, match=r"REQUEST_LIMITS.* install connectors_dagster\[redis\]"),
        RateLimiter(store=store, at_once=1).request(no_sleep),
    ):
        pass
