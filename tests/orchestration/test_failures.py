"""Failed runs are reported to a webhook, if one is configured, without secrets."""

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
from connectors_dagster.orchestration import runs
from connectors_dagster.orchestration.partitions import open_windows
from connectors_dagster.sandbox import serving
from connectors_dagster.spec.windows import WindowGrid
from tests.conftest import NOW

FIRST = "2024-01-01"


@dataclass
class Webhook:
    """A chat room; `texts` lists the messages it received."""

    texts: list[str] = field(default_factory=list)
    status: int = 200
    address: str = ""

    @contextmanager
    def served(self) -> Iterator["Webhook"]:
        with serving(Starlette(routes=[Route("/hooks/T0/{token}", self._take, methods=["POST"])])) as port:
            self.address = f"http://127.0.0.1:{port}/hooks/T0/hook-token-47"
            yield self

    async def _take(self, request: Request) -> Response:
        self.texts.append((await request.json())["text"])
        return Response(status_code=self.status)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with Webhook().served() as webhook:
        monkeypatch.setenv("CONNECTORS__FAILURE_WEBHOOK", webhook.address)
        yield webhook


SENSOR = next(sensor for sensor in defs().sensors or () if sensor.name == "report_failures")


def look_at(result: dg.ExecuteInProcessResult, instance: dg.DagsterInstance) -> dg.SkipReason | None:
    """Evaluate the sensor for a failed run; return its skip reason, if any."""
    (event,) = [event for event in result.all_events if event.is_run_failure]
    context = dg.build_run_status_sensor_context(
        sensor_name=SENSOR.name, dagster_event=event, dagster_instance=instance, dagster_run=result.dagster_run
    )
    return SENSOR(context.for_run_failure())


@pytest.fixture
def fail() -> Callable[[], dg.SkipReason | None]:
    """Execute a run that only fails."""

    def fail_() -> dg.SkipReason | None:
        @dg.op
        def fails() -> None:
            raise dg.Failure("the shop is closed")

        with dg.DagsterInstance.ephemeral() as instance:
            job = dg.JobDefinition(name="fails", graph_def=dg.GraphDefinition(name="fails", node_defs=[fails]))
            return look_at(job.execute_in_process(instance=instance, raise_on_error=False), instance)

    return fail_


def test_a_failed_run_is_reported_with_assets_windows_and_reason_but_without_secrets(api, instance, webhook):
    api.answer("/orders", 403, {"message": "no, sandbox-storefront-secret is revoked"})
    open_windows(instance, WindowGrid("P30D", FIRST), NOW)
    result = (
        defs()
        .resolve_job_def("storefront")
        .execute_in_process(
            run_config=runs.QUIET,
            instance=instance,
            asset_selection=[dg.AssetKey(["storefront", "orders"])],
            tags={runs.RANGE_START: FIRST, runs.RANGE_END: FIRST},
            raise_on_error=False,
        )
    )
    look_at(result, instance)
    (text,) = webhook.texts
    assert "storefront/orders" in text and f"windows: {FIRST}" in text and "403" in text
    assert not any(secret in text for secret in api.secrets)


def test_the_report_contains_the_message_of_the_error(fail, webhook):
    fail()
    assert "the shop is closed" in webhook.texts[0]


def test_without_a_webhook_the_tick_is_skipped_and_names_the_setting(fail):
    assert "CONNECTORS__FAILURE_WEBHOOK" in fail().skip_message


def test_a_webhook_that_refuses_fails_the_tick_without_showing_its_address(fail, webhook):
    webhook.status = 410
    with pytest.raises(Exception, match="CONNECTORS__FAILURE_WEBHOOK answered 410") as caught:
        fail()
    assert "hook-token-47" not in "".join(traceback.format_exception(caught.value))


def test_a_webhook_that_cannot_be_reached_fails_the_tick_without_showing_its_address(fail, monkeypatch):
    monkeypatch.setenv("CONNECTORS__FAILURE_WEBHOOK", "http://127.0.0.1:9/hooks/hook-token-47")
    with pytest.raises(Exception, match="CONNECTORS__FAILURE_WEBHOOK cannot be reached") as caught:
        fail()
    assert "hook-token-47" not in "".join(traceback.format_exception(caught.value))


def test_the_sensor_is_off_by_default():
    assert SENSOR.default_status == dg.DefaultSensorStatus.STOPPED
