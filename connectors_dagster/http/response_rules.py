"""What a connector declares about responses: which fail, which are retried, and which mean that there are no rows."""

from collections.abc import Sequence
from typing import Any, cast

import requests

from connectors_dagster.compat.dlt_internals import IgnoreResponseException
from connectors_dagster.errors import ApiError, TransientApiError
from connectors_dagster.http.failure import with_response
from connectors_dagster.http.response import JsonResponse, describe_request
from connectors_dagster.http.retry import requested_wait
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.options import ResponseRule, Retry

MESSAGES = (
    *("message", "messages", "error", "errors", "failures", "failure", "detail", "err", "error_message", "msg"),
    *("reason", "status_message"),
)
"""Fields that say what is wrong; the first one with a value counts."""


class RetriedResponseError(TransientApiError):
    """A response that is retried because the connector says so; `wait` is what it asks for, in seconds."""

    wait: float | None = None


class IgnoredResponseError(IgnoreResponseException):
    """A response that means that there are no more rows because the connector says so."""


def find_rule(rules: Sequence[ResponseRule], response: requests.Response) -> ResponseRule | None:
    """Return the first rule that a response fits; those without statuses are for errors only."""
    status, scope = response.status_code, dict[str, Any]()
    for rule in rules:
        if (status not in rule.statuses and (rule.statuses or status < 400)) or rule.text not in response.text:
            continue
        if rule.condition:
            scope = scope or _scope(cast(JsonResponse, response))
            if not rule.holds(scope):
                continue
        return rule
    return None


def _scope(response: JsonResponse) -> dict[str, Any]:
    """Return what conditions read of a response."""
    try:
        body = response.parsed_whole()
    except ValueError:
        return {"response": {}, "headers": dict(response.headers), "error_message": response.text}
    return {"response": body, "headers": dict(response.headers), "error_message": error_message(body)}


def error_message(body: Any) -> str:
    """Return what a body says about an error, as text; empty if it says nothing."""
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return ", ".join(filter(None, map(error_message, body)))
    if isinstance(body, dict):
        return error_message(next((body[name] for name in MESSAGES if body.get(name)), None))
    return ""


def apply_rule(
    rule: ResponseRule, request: requests.PreparedRequest, response: requests.Response, *, label: str, retry: Retry
) -> None:
    """Do with a response what a rule says.

    Raises:
        IgnoredResponseError: there are no more rows.
        RetriedResponseError: the request is to be retried.
        ApiError: it fails.
    """
    if rule.action == "ignore":
        raise IgnoredResponseError
    said = f"; {rule.message}" if rule.message else ""
    what = f"{label}: {describe_request(request)} answered {response.status_code}: {excerpt(response.text, 300)}{said}"
    if rule.action == "fail":
        raise with_response(ApiError(what), response)
    failure = RetriedResponseError(what)
    failure.wait = requested_wait(response, retry)
    raise with_response(failure, response)
