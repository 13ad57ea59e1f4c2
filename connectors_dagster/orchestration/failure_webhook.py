"""Report failed runs to a webhook, such as that of a chat room."""

from collections.abc import Sequence

import dagster as dg
import requests

from connectors_dagster.compat.dagster_internals import step_failure
from connectors_dagster.config import placeholders, settings
from connectors_dagster.orchestration.runs import RANGE_END, RANGE_START
from connectors_dagster.secrets.redaction import redact, remember
from connectors_dagster.spec.connector import Connector

PARTITION = "dagster/partition"
TIMEOUT = 10
LONGEST = 3000
"""Maximum characters of a message; chat rooms refuse or truncate longer ones."""


class WebhookError(Exception):
    """The webhook did not accept the message."""


def build_failure_sensor(connectors: Sequence[Connector]) -> dg.SensorDefinition:
    """Build the sensor that reports failed runs to the configured webhook."""

    @dg.run_failure_sensor(
        name="report_failures",
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Posts every failed run to the address in CONNECTORS__FAILURE_WEBHOOK, without secrets.",
    )
    def report_failures(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        address = settings.failure_webhook()
        if not address:
            return dg.SkipReason("CONNECTORS__FAILURE_WEBHOOK is not set: the failure is not reported.")
        remember([address, *(secret for connector in connectors for secret in placeholders.known_secrets(connector))])
        post(address, redact(describe_failure(context))[:LONGEST])
        return None

    return report_failures


def describe_failure(context: dg.RunFailureSensorContext) -> str:
    """Return which run failed, its assets and windows, and why. Secrets are not redacted yet."""
    run = context.dagster_run
    assets = sorted("/".join(key.path) for key in run.asset_selection or ())
    first, last = run.tags.get(RANGE_START), run.tags.get(RANGE_END)
    windows = run.tags.get(PARTITION) or (f"{first} to {last}" if first else None)
    reasons = [f"{event.step_key}: {step_failure(event)}" for event in context.get_step_failure_events()]
    lines = [
        f"Run {run.run_id} of {run.job_name} failed.",
        f"assets: {', '.join(assets)}" if assets else None,
        f"windows: {windows}" if windows else None,
        *(reasons or [str(context.failure_event.message)]),
    ]
    return "\n".join(line for line in lines if line)


def post(address: str, text: str) -> None:
    """Post a message as ``{"text": …}``, the format of chat rooms. Redirects are not followed.

    Raises:
        WebhookError: it was not accepted. The error leaves out the address, which is often the secret.
    """
    try:
        # Without an auth of its own, requests would send what ~/.netrc has for that host.
        response = requests.post(
            address, json={"text": text}, timeout=TIMEOUT, allow_redirects=False, auth=lambda request: request
        )
    except requests.RequestException as error:
        raise WebhookError(f"CONNECTORS__FAILURE_WEBHOOK cannot be reached: {type(error).__name__}") from None
    if response.status_code >= 300:
        raise WebhookError(f"CONNECTORS__FAILURE_WEBHOOK answered {response.status_code}")
