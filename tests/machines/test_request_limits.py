"""Machines that share a Redis share the limits of an API, although they have no folder in common."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from click.testing import CliRunner
from pyrate_limiter import Duration, Rate

from connectors_dagster.cli import main
from connectors_dagster.errors import SettingError, UnreachableError
from connectors_dagster.http.rate_limiter import RateLimiter
from connectors_dagster.http.redis_limits import RedisLimits
from connectors_dagster.load import reachable
from connectors_dagster.read.connection import connect
from tests.support.processes import Job
from tests.support.rows import order
from tests.support.shop import things

redis = pytest.importorskip("redis", reason="needs the package redis: make machines")
pytestmark = pytest.mark.machines

A_MACHINE = """
import sys, time
from connectors_dagster.http import redis_limits
from connectors_dagster.http.rate_limiter import RateLimiter

class Stop(Exception):
    pass

def stop(seconds):
    raise Stop

redis_limits.LEASE = 0.6
def limiter(**limits):
    return RateLimiter(store=redis_limits.RedisLimits(sys.argv[1], sys.argv[2], "the test"), **limits)
"""
MAKES_ALL_REQUESTS = """
made = 0
try:
    while True:
        with limiter(at_once=9, per_minute=60).request(stop):
            made += 1
except Stop:
    print(made)
"""
HOLDS_A_SLOT = """
with limiter(at_once=1).request(stop):
    print("here", flush=True)
    sys.stdin.read()
"""


class RefusedError(Exception):
    """Raised instead of sleeping."""


def refuse(seconds: float) -> None:
    raise RefusedError(seconds)


Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def name() -> str:
    return uuid4().hex


@pytest.fixture
def start(redis_url: str, name: str) -> Start:
    """Start a program as another machine: it shares nothing but the server."""

    def start_(program: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", A_MACHINE + program, redis_url, name]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    return start_


def test_machines_together_make_as_many_requests_in_a_minute_as_allowed(start):
    machines = [start(MAKES_ALL_REQUESTS) for _ in range(3)]
    assert sum(int(machine.communicate()[0]) for machine in machines) == 60


def test_requests_at_the_very_same_time_are_not_more_than_allowed(redis_url):
    """The clock is read before a request is counted: without turns, two of six rounds have one too many."""

    def make_requests(name: str) -> int:
        rate, made = RedisLimits(redis_url, name, "the test").rate(Rate(50, Duration.MINUTE)), 0
        while rate.take() == 0:
            made += 1
        return made

    for _ in range(8):
        with ThreadPoolExecutor(16) as machines:
            assert sum(machines.map(make_requests, [uuid4().hex] * 16)) == 50


def test_a_slot_is_kept_as_long_as_its_request_takes_and_is_free_soon_after_its_machine_was_killed(
    start, redis_url, name
):
    here = RateLimiter(store=RedisLimits(redis_url, name, "the test"), at_once=1)
    with start(HOLDS_A_SLOT) as there:
        assert there.stdout.readline() == "here\n"
        time.sleep(1.5)  # longer than two leases: there is no other way to see that they are renewed
        with pytest.raises(RefusedError), here.request(refuse):
            pass
        there.kill()
        there.wait()
    with here.request(time.sleep) as slept:
        assert slept < 5


def test_a_request_gives_back_its_slot(redis_url, name):
    here, there = (RateLimiter(store=RedisLimits(redis_url, name, "the test"), at_once=1) for _ in range(2))
    for limiter in (here, there, here):
        with limiter.request(refuse):
            pass


def test_a_server_that_was_started_again_goes_on_counting(redis_url, name):
    limiter = RateLimiter(store=RedisLimits(redis_url, name, "the test"), at_once=1, per_minute=2)
    with limiter.request(refuse):
        pass
    redis.Redis.from_url(redis_url).script_flush()
    with limiter.request(refuse):
        pass
    with pytest.raises(RefusedError) as refused, limiter.request(refuse):
        pass
    assert 0 < refused.value.args[0] <= 60


def test_one_connector_shares_its_limits_with_itself_on_another_machine_and_not_with_another_shop(
    redis_url, shop, project, monkeypatch
):
    monkeypatch.setenv("CONNECTORS__REQUEST_LIMITS", redis_url)
    monkeypatch.setenv("SOURCES__SHOP__MAX_PARALLEL_REQUESTS", "1")
    connector = things(project).connector
    here, there = (connect(connector).policy.rate_limiter for _ in range(2))
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", "https://other.example")
    other = connect(connector).policy.rate_limiter
    with here.request(refuse), other.request(refuse), pytest.raises(RefusedError), there.request(refuse):
        pass


def test_no_request_is_made_while_the_server_is_away_and_the_error_names_it_without_its_password(api, monkeypatch):
    monkeypatch.setenv("CONNECTORS__REQUEST_LIMITS", "redis://limits:hidden-word@127.0.0.1:1/0")
    api.set("storefront/orders", [order(1, "2024-01-15T00:00:00")])
    with pytest.raises(
        UnreachableError, match=r"CONNECTORS__REQUEST_LIMITS \(127\.0\.0\.1:1/0\): .*refused"
    ) as failure:
        Job(["storefront/orders"], ["2024-01-01"]).run()
    assert "hidden-word" not in str(failure.value) and api.requests == []


@pytest.mark.parametrize("parameter", ["socket_timeout=soon", "nonsense=1"])
def test_a_parameter_of_the_url_that_cannot_be_used_is_named(parameter):
    limits = RedisLimits(f"redis://127.0.0.1:1/0?{parameter}", "an API", "CONNECTORS__REQUEST_LIMITS")
    with pytest.raises(SettingError, match=f"CONNECTORS__REQUEST_LIMITS has a .*{parameter.partition('=')[0]}"):
        limits.slots(1)[0].take()


def test_a_run_says_at_once_that_redis_is_down_and_ends_before_it_reads(api, project, monkeypatch):
    monkeypatch.setattr(reachable, "PATIENCE", 0.0)
    monkeypatch.setenv("CONNECTORS__REQUEST_LIMITS", "redis://limits:hidden-word@127.0.0.1:1/0")
    done = CliRunner().invoke(main, ["run", "storefront/orders"])
    assert done.exit_code == 1 and api.requests == []
    [line] = [line for line in done.output.splitlines() if line.startswith("Error: CONNECTORS__REQUEST_LIMITS")]
    assert "Connection refused" in line and line.endswith("start it or correct the setting, then run again")
    assert "hidden-word" not in done.output


def test_a_request_that_redis_keeps_from_being_made_is_retried_with_that_reason(api, load, monkeypatch, waits, caplog):
    monkeypatch.setenv("CONNECTORS__REQUEST_LIMITS", "redis://limits:hidden-word@127.0.0.1:1/0")
    with pytest.raises(UnreachableError, match="CONNECTORS__REQUEST_LIMITS"):
        load("storefront/orders", windows=["2024-01-01"])
    retries = [line for line in caplog.messages if "retry 1 of 3" in line]
    assert retries and all("CONNECTORS__REQUEST_LIMITS (127.0.0.1:1/0): Error" in line for line in retries)
