"""What to say about a request that failed, and what to do about it."""

from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from connectors_dagster.errors import ApiError, TransientApiError, UnreachableError
from connectors_dagster.http.request_policy import RequestPolicy
from connectors_dagster.http.response import describe_request, describe_response
from connectors_dagster.http.retry import BROKEN, is_transient, is_untrusted, requested_wait
from connectors_dagster.secrets.redaction import excerpt

REFUSED = "; the API does not accept this request: its message may name the parameter to change"
ADVICE = {
    400: REFUSED,
    401: "; check the credentials of this source",
    402: "; the account or its plan does not allow this",
    403: "; the credentials are not allowed to read this: check their scope",
    404: "; check base_url and path",
    422: REFUSED,
    429: "; lower max_parallel_requests of this source, or run again later",
}
NOT_FOR_ALL = {400, 402, 403, 404, 422}
"""Statuses that may be about one resource, while others can be read with the same credentials."""
BROKEN_API = "; the API has a problem: run again later"
UNREACHED = "; check that the API is running and that base_url is correct"
UNTRUSTED = "; set REQUESTS_CA_BUNDLE to the file of certificates to trust"


def explain_failure(label: str, request: requests.PreparedRequest, error: Exception, policy: RequestPolicy) -> ApiError:
    """Return the error to raise for a request that failed; its message names the request and what to do."""
    retry = policy.retry
    if not isinstance(error, requests.HTTPError) or error.response is None:
        return _unanswered(label, request, error)
    response, status = error.response, error.response.status_code
    body, advice = excerpt(response.text, 300), ADVICE.get(status, BROKEN_API if status >= 500 else "")
    if status == requests.codes.unauthorized and policy.credentials:
        advice += f": {', '.join(policy.credentials)}"
    if status in NOT_FOR_ALL and policy.leave_out:
        advice += f"; {policy.leave_out} loads the others without it"
    longest = retry.max_wait.total_seconds()
    if (requested := requested_wait(response, retry) or 0) > longest:
        advice += f"; Retry-After is {requested:.0f} s, but a run waits at most {longest:.0f} s"
    kind = TransientApiError if is_transient(error, retry) or status >= 500 else ApiError
    return with_response(kind(f"{label}: {describe_request(request)} answered {status}: {body}{advice}"), response)


def cause_of(error: BaseException | None) -> str:
    """Say in a few words why an attempt has failed."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"status {error.response.status_code}"
    if isinstance(error, UnreachableError):  # where requests are counted, so none was made
        return str(error)
    if isinstance(error, ApiError):
        return "not JSON"
    if isinstance(error, requests.Timeout):
        return "timed out"
    # The message of urllib3 repeats the request and the name of a class before it says why.
    inner = error.args[0] if error and error.args else None
    for system in (_reason(error).__cause__, *getattr(inner, "args", ())):
        if isinstance(system, OSError) and system.strerror:
            return system.strerror.lower()
    return str(error)


def _unanswered(label: str, request: requests.PreparedRequest, error: Exception) -> ApiError:
    """Return the error for a request without a response."""
    if isinstance(_reason(error), NewConnectionError):
        address, what = urlsplit(str(request.url)).netloc, describe_request(request)
        return UnreachableError(f"{label}: the API did not answer at {address}: {cause_of(error)}{UNREACHED} ({what})")
    kind = ApiError if is_untrusted(error) or not isinstance(error, BROKEN) else TransientApiError
    advice = UNTRUSTED if is_untrusted(error) else UNREACHED
    return kind(f"{label}: {describe_request(request)} failed: {error}{advice}")


def _reason(error: BaseException | None) -> Any:
    """Return why urllib3 has given up, else the error itself."""
    return getattr(error.args[0] if error and error.args else None, "reason", error)


def with_response(failure: ApiError, response: requests.Response) -> ApiError:
    """Attach the description of a response to an error, for the record of a failed run."""
    failure.response = describe_response(response)
    return failure
