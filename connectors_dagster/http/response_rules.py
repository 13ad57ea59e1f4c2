"""What a connector declares about responses: which fail, which are retried, and which mean that there are no rows."""

from collections.abc import Sequence

import requests

from connectors_dagster.compat.dlt_internals import IgnoreResponseException
from connectors_dagster.errors import ApiError, TransientApiError
from connectors_dagster.http.failure import with_response
from connectors_dagster.http.response import describe_request
from connectors_dagster.http.retry import requested_wait
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.options import ResponseRule, Retry


class RetriedResponseError(TransientApiError):
    """A response that is retried because the connector says so; `wait` is what it asks for, in seconds."""

    wait: float | None = None


class IgnoredResponseError(IgnoreResponseException):
    """A response that means that there are no more rows because the connector says so."""


def find_rule(rules: Sequence[ResponseRule], response: requests.Response) -> ResponseRule | None:
    """Return the first rule that a response fits; those without statuses are for errors only."""
    for rule in rules:
        status = response.status_code
        if (status in rule.statuses or (not rule.statuses and status >= 400)) and rule.text in response.text:
            return rule
    return None


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
