"""Report failed runs to a webhook, such as that of a chat room."""

import json
import logging
import time
from collections.abc import Sequence

import dagster as dg
import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from connectors_dagster.compat.dagster_internals import (
    failed_before,
    is_of_other_location,
    run_failures,
    step_failure,
    step_failures,
)
from connectors_dagster.config import placeholders, settings
from connectors_dagster.http.request_budget import LimitedAdapter, LimitError, request_budget
from connectors_dagster.orchestration.active_runs import PARTITION
from connectors_dagster.orchestration.runs import LOADED_BY, RANGE_END, RANGE_START
from connectors_dagster.secrets.redaction import redact, remember
from connectors_dagster.spec.connector import Connector
from connectors_dagster.spec.limits import Limits

logger = logging.getLogger(__name__)
TIMEOUT = 10.0
"""Seconds for one attempt in total."""
ATTEMPTS = 3
FIRST_WAIT = 1.0
"""Seconds before the second attempt; the wait doubles."""
TICK = 20.0
"""Seconds after which a tick begins no other message: Dagster ends a tick after a minute and forgets its cursor."""
MOST_AT_ONCE = 25
LONGEST = 3000
"""Maximum characters of a message; chat rooms refuse or truncate longer ones."""
ABOUT_THE_TEXT = (400, 413, 422)


class WebhookError(Exception):
    """The webhook did not accept the message."""


class RefusedTextError(WebhookError):
    """The webhook did not accept the message, perhaps because of its text."""


class TransientWebhookError(WebhookError):
    """The webhook did not accept the message now, but may later."""


def build_failure_sensor(connectors: Sequence[Connector]) -> dg.SensorDefinition:
    """Build the sensor that reports failed runs to the configured webhook."""

    @dg.sensor(
        name="report_failures",
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Posts every failed run to the address in CONNECTORS__FAILURE_WEBHOOK, without secrets.",
    )
    def report_failures(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        address = settings.failure_webhook()
        if context.cursor is None:
            newest = max((number for number, _ in run_failures(context.instance, limit=1)), default=0)
            context.update_cursor(str(newest))
            return dg.SkipReason("Runs that fail from now on are reported.")
        if not address:
            return dg.SkipReason("CONNECTORS__FAILURE_WEBHOOK is not set: failures are reported once it is.")
        remember([address, *(secret for connector in connectors for secret in placeholders.known_secrets(connector))])
        return dg.SkipReason(f"{_report(context, address)} failed runs were reported.")

    return report_failures


def _report(context: dg.SensorEvaluationContext, address: str) -> int:
    """Report the runs that have failed since the cursor, each once; returns how many.

    The cursor moves with each message. If one is refused after others, the tick succeeds so that the cursor is kept,
    and the next tick begins with the refused one.

    Raises:
        WebhookError: the first message was not accepted; the cursor is where it was.
    """
    reported, started = 0, time.monotonic()
    for number, run in run_failures(context.instance, after=_last_reported(context), limit=MOST_AT_ONCE):
        if time.monotonic() - started > TICK:
            break
        if run and _is_ours(context, run) and not failed_before(context.instance, run.run_id, number):
            try:
                _tell(address, redact(describe_failure(context.instance, run))[:LONGEST])
            except WebhookError as error:
                if not reported:
                    raise
                logger.warning("%s; run %s is reported by the next tick", error, run.run_id)
                break
            reported += 1
        context.update_cursor(str(number))
    return reported


def _is_ours(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> bool:
    """Return whether a run is of this code location, or of the command line, which does not know its name."""
    return LOADED_BY.items() <= run.tags.items() or not is_of_other_location(context, run)


def _last_reported(context: dg.SensorEvaluationContext) -> int:
    """Read the cursor; earlier versions had Dagster's own, which is an object with `record_id`."""
    found = json.loads(context.cursor or "0")
    return int(found["record_id"] if isinstance(found, dict) else found)


def describe_failure(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Return which run failed, its assets and windows, and why. Secrets are not redacted yet."""
    assets = sorted("/".join(key.path) for key in run.asset_selection or ())
    first, last = run.tags.get(RANGE_START), run.tags.get(RANGE_END)
    windows = run.tags.get(PARTITION) or (f"{first} to {last}" if first else None)
    steps, message = step_failures(instance, run.run_id)
    lines = [
        f"Run {run.run_id} of {run.job_name} failed.",
        f"assets: {', '.join(assets)}" if assets else None,
        f"windows: {windows}" if windows else None,
        *([f"{event.step_key}: {step_failure(event)}" for event in steps] or [message]),
    ]
    return "\n".join(line for line in lines if line)


def _tell(address: str, text: str) -> None:
    """Post a message; if its text is refused, only which run failed: it would hold up all later ones.

    Raises:
        WebhookError: neither was accepted.
    """
    try:
        post(address, text)
    except RefusedTextError:
        post(address, text.partition("\n")[0])


def post(address: str, text: str) -> None:
    """Post a message as ``{"text": …}``, the format of chat rooms; try again if that can help.

    Raises:
        WebhookError: it was not accepted. The error leaves out the address, which is often the secret.
    """
    again = Retrying(
        retry=retry_if_exception_type(TransientWebhookError),
        wait=wait_exponential(multiplier=FIRST_WAIT),
        stop=stop_after_attempt(ATTEMPTS),
        reraise=True,
    )
    again(_post_once, address, text)


def _post_once(address: str, text: str) -> None:
    try:
        # Without an auth of its own, requests would send what ~/.netrc has for that host. The body of the response is
        # not read.
        with (
            _Session() as session,
            request_budget(Limits(max_request_seconds=TIMEOUT)),
            session.post(address, json={"text": text}, timeout=TIMEOUT, auth=_nobody, stream=True) as response,
        ):
            status = response.status_code
    except LimitError:
        raise TransientWebhookError(f"CONNECTORS__FAILURE_WEBHOOK did not answer within {TIMEOUT:g} s") from None
    except requests.RequestException as error:
        what = f"CONNECTORS__FAILURE_WEBHOOK cannot be reached: {type(error).__name__}"
        raise TransientWebhookError(what) from None
    said = f"CONNECTORS__FAILURE_WEBHOOK answered {status}"
    if status in ABOUT_THE_TEXT:
        raise RefusedTextError(said)
    if status >= 300:
        raise TransientWebhookError(said) if status in (408, 425, 429) or status >= 500 else WebhookError(said)


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add no credentials to a request."""
    return request


class _Session(requests.Session):
    """A session that follows no redirect and ends each request in time."""

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, LimitedAdapter())

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return nothing: requests would also read the whole body of a redirect that is not followed."""
