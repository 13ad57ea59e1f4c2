"""Failed runs are reported to a webhook, if one is configured, without secrets."""

import socket
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors_dagster.definitions import defs
from connectors_dagster.orchestration import failure_webhook, runs
from connectors_dagster.orchestration.partitions import open_windows
from connectors_dagster.sandbox import serving
from connectors_dagster.spec.windows import WindowGrid
from tests.conftest import NOW
from tests.support.wire import Wire, reply

FIRST = "2024-01-01"


@dataclass
class Webhook:
    """A chat room; `texts` lists the messages it received, and `statuses` has the next statuses, then `status`."""

    texts: list[str] = field(default_factory=list)
    status: int = 200
    statuses: list[int] = field(default_factory=list)
    address: str = ""

    @contextmanager
    def served(self) -> Iterator["Webhook"]:
        with serving(Starlette(routes=[Route("/hooks/T0/{token}", self._take, methods=["POST"])])) as port:
            self.address = f"http://127.0.0.1:{port}/hooks/T0/hook-token-47"
            yield self

    async def _take(self, request: Request) -> Response:
        self.texts.append((await request.json())["text"])
        return Response(status_code=self.statuses.pop(0) if self.statuses else self.status)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with Webhook().served() as webhook:
        monkeypatch.setenv("CONNECTORS__FAILURE_WEBHOOK", webhook.address)
        yield webhook


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failure_webhook, "FIRST_WAIT", 0)


SENSOR = next(sensor for sensor in defs().sensors or () if sensor.name == "report_failures")


@pytest.fixture
def tick(instance: dg.DagsterInstance) -> Callable[[], str]:
    """Evaluate the sensor as the daemon does, which keeps the cursor of a tick that succeeds; return what it says."""
    cursor: list[str | None] = [None]

    def tick_() -> str:
        with dg.build_sensor_context(instance=instance, cursor=cursor[0]) as context:
            said = SENSOR(context)
            cursor[0] = context.cursor
        assert isinstance(said, dg.SkipReason)
        return said.skip_message or ""

    tick_()
    return tick_


@pytest.fixture
def fail(instance: dg.DagsterInstance) -> Callable[[str], dg.DagsterRun]:
    """Execute a run that only fails, with a message."""

    def fail_(message: str = "the shop is closed") -> dg.DagsterRun:
        @dg.op
        def fails() -> None:
            raise dg.Failure(message)

        job = dg.JobDefinition(name="fails", graph_def=dg.GraphDefinition(name="fails", node_defs=[fails]))
        return job.execute_in_process(instance=instance, raise_on_error=False).dagster_run

    return fail_


def test_a_failed_run_is_reported_with_assets_windows_and_reason_but_without_secrets(api, instance, webhook, tick):
    api.answer("/orders", 403, {"message": "no, sandbox-storefront-secret is revoked"})
    open_windows(instance, WindowGrid("P30D", FIRST), NOW)
    defs().resolve_job_def("storefront").execute_in_process(
        run_config=runs.QUIET,
        instance=instance,
        asset_selection=[dg.AssetKey(["storefront", "orders"])],
        tags={runs.RANGE_START: FIRST, runs.RANGE_END: FIRST},
        raise_on_error=False,
    )
    tick()
    (text,) = webhook.texts
    assert "storefront/orders" in text and f"windows: {FIRST}" in text and "403" in text
    assert not any(secret in text for secret in api.secrets)


def test_every_failure_is_reported_once_with_the_message_of_its_error(fail, webhook, tick):
    fail("the shop is closed")
    fail("the shop has moved")
    assert tick() == "2 failed runs were reported."
    assert ["closed" in webhook.texts[0], "moved" in webhook.texts[1]] == [True, True]
    fail("the shop is gone")
    tick()
    tick()
    assert len(webhook.texts) == 3


def test_failures_from_before_the_sensor_was_turned_on_are_not_reported(instance, fail, webhook):
    fail()
    with dg.build_sensor_context(instance=instance) as context:
        SENSOR(context)
        SENSOR(context)
    assert webhook.texts == []


def test_the_cursor_of_earlier_versions_goes_on(instance, fail, webhook, tick):
    fail("told")
    tick()
    with dg.build_sensor_context(instance=instance) as context:
        SENSOR(context)
        number = int(context.cursor)
    fail("new")
    old = f'{{"__class__": "RunStatusSensorCursor", "record_id": {number}, "update_timestamp": null}}'
    with dg.build_sensor_context(instance=instance, cursor=old) as context:
        SENSOR(context)
    assert ["new" in text for text in webhook.texts] == [False, True]


def test_a_run_that_is_recorded_as_failed_twice_is_reported_once(instance, fail, webhook, tick):
    run = fail()
    tick()
    instance.report_run_failed(run, "again")
    tick()
    assert len(webhook.texts) == 1


def test_a_deleted_run_does_not_hold_up_the_others(instance, fail, webhook, tick):
    instance.delete_run(fail("deleted").run_id)
    fail("kept")
    tick()
    assert ["kept" in text for text in webhook.texts] == [True]


def test_without_a_webhook_nothing_is_lost_and_the_tick_names_the_setting(fail, tick, webhook, monkeypatch):
    monkeypatch.delenv("CONNECTORS__FAILURE_WEBHOOK")
    fail()
    assert "CONNECTORS__FAILURE_WEBHOOK" in tick()
    monkeypatch.setenv("CONNECTORS__FAILURE_WEBHOOK", webhook.address)
    tick()
    assert len(webhook.texts) == 1


def test_a_webhook_that_is_busy_is_tried_again_within_the_tick(fail, webhook, tick):
    webhook.statuses = [503, 429]
    fail()
    assert tick() == "1 failed runs were reported."
    assert len(webhook.texts) == 3


def test_a_webhook_that_refuses_fails_the_tick_without_showing_its_address(fail, webhook, tick):
    webhook.status = 410
    fail()
    with pytest.raises(Exception, match="CONNECTORS__FAILURE_WEBHOOK answered 410") as caught:
        tick()
    assert "hook-token-47" not in "".join(traceback.format_exception(caught.value))
    assert len(webhook.texts) == 1


def test_a_failure_that_was_refused_is_reported_by_a_later_tick_and_those_before_it_are_not_repeated(
    fail, webhook, tick, caplog
):
    for message in ("one", "two", "three"):
        fail(message)
    webhook.statuses = [200, 410]
    assert tick() == "1 failed runs were reported."
    assert "CONNECTORS__FAILURE_WEBHOOK answered 410" in caplog.text
    webhook.statuses = [410]
    with pytest.raises(Exception, match="answered 410"):
        tick()
    assert tick() == "2 failed runs were reported."
    told = [next(word for word in ("one", "two", "three") if word in text) for text in webhook.texts]
    assert told == ["one", "two", "two", "two", "three"]


def test_a_message_whose_text_is_refused_is_reported_in_short_and_holds_up_no_other(fail, webhook, tick):
    for message in ("one", "two"):
        fail(message)
    webhook.statuses = [413]
    assert tick() == "2 failed runs were reported."
    assert ["one" in webhook.texts[0], webhook.texts[1], "two" in webhook.texts[2]] == [
        True,
        webhook.texts[0].partition("\n")[0],
        True,
    ]
    webhook.status = 400
    fail("three")
    with pytest.raises(Exception, match="CONNECTORS__FAILURE_WEBHOOK answered 400"):
        tick()


def test_a_webhook_that_cannot_be_reached_fails_the_tick_without_showing_its_address(fail, tick, monkeypatch):
    fail()
    monkeypatch.setenv("CONNECTORS__FAILURE_WEBHOOK", "http://127.0.0.1:9/hooks/hook-token-47")
    with pytest.raises(Exception, match="CONNECTORS__FAILURE_WEBHOOK cannot be reached") as caught:
        tick()
    assert "hook-token-47" not in "".join(traceback.format_exception(caught.value))


def endless(connection: socket.socket) -> None:
    """Send a body that never ends, until the caller gives up."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def hesitant(connection: socket.socket) -> None:
    """Send headers that never end, a byte at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    connection.settimeout(0.02)
    while True:
        connection.sendall(b"a")
        try:
            if not connection.recv(1):
                return
        except TimeoutError:
            continue


@pytest.mark.parametrize("status", ["200 OK", "302 Found"])
def test_the_response_of_the_webhook_is_not_read(wire: Wire, fail, tick, monkeypatch, status):
    monkeypatch.setenv("CONNECTORS__FAILURE_WEBHOOK", wire.url)
    wire.replies = [endless if status == "200 OK" else reply(b"x" * 10, status, length=10**12, Location=wire.url)]
    fail()
    if status == "200 OK":
        assert tick() == "1 failed runs were reported."
    else:
        with pytest.raises(Exception, match="answered 302"):
            tick()
    assert wire.connections == 1


def test_a_webhook_that_answers_a_byte_at_a_time_does_not_hold_up_the_tick(wire: Wire, fail, tick, monkeypatch):
    monkeypatch.setenv("CONNECTORS__FAILURE_WEBHOOK", wire.url)
    monkeypatch.setattr(failure_webhook, "TIMEOUT", 0.3)
    wire.replies = [hesitant]
    fail()
    started = time.monotonic()
    with pytest.raises(Exception, match=r"did not answer within 0\.3 s"):
        tick()
    assert time.monotonic() - started < 15  # a server that hesitates for longer
    assert wire.connections == 3


def test_the_sensor_is_off_by_default():
    assert SENSOR.default_status == dg.DefaultSensorStatus.STOPPED
