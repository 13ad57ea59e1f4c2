"""What to say about a request that failed, and what to do about it."""

import requests
from urllib3.exceptions import NewConnectionError

from connectors_dagster.errors import ApiError, TransientApiError, UnreachableError
from connectors_dagster.http.request_policy import RequestPolicy
from connectors_dagster.http.response import describe_request, describe_response
from connectors_dagster.http.retry import BROKEN, is_transient, is_untrusted, requested_wait
from connectors_dagster.secrets.redaction import excerpt

ADVICE = {
    401: "; check the credentials of this source",
    403: "; the credentials are not allowed to read this: check their scope",
    404: "; check base_url and path",
    429: "; lower max_parallel_requests of this source, or run again later",
}
BROKEN_API = "; the API has a problem: run again later"
UNREACHED = "; check that the API is running and that base_url is correct"
UNTRUSTED = "; set REQUESTS_CA_BUNDLE to the file of certificates to trust"


def explain_failure(label: str, request: requests.PreparedRequest, error: Exception, policy: RequestPolicy) -> ApiError:
    """Return the error to raise for a request that failed; its message names the request and what to do."""
    retry = policy.retry
    if not isinstance(error, requests.HTTPError) or error.response is None:
        kind = _kind(error)
        advice = UNTRUSTED if is_untrusted(error) else UNREACHED
        return kind(f"{label}: {describe_request(request)} failed: {error}{advice}")
    response, status = error.response, error.response.status_code
    body, advice = excerpt(response.text, 300), ADVICE.get(status, BROKEN_API if status >= 500 else "")
    if status == requests.codes.unauthorized and policy.credentials:
        advice += f": {', '.join(policy.credentials)}"
    longest = retry.max_wait.total_seconds()
    if (requested := requested_wait(response, retry) or 0) > longest:
        advice += f"; Retry-After is {requested:.0f} s, but a run waits at most {longest:.0f} s"
    kind = TransientApiError if is_transient(error, retry) or status >= 500 else ApiError
    return with_response(kind(f"{label}: {describe_request(request)} answered {status}: {body}{advice}"), response)


def _kind(error: Exception) -> type[ApiError]:
    """Return the kind of error for a request without a response."""
    if is_untrusted(error) or not isinstance(error, BROKEN):
        return ApiError
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return UnreachableError if isinstance(reason, NewConnectionError) else TransientApiError


def with_response(failure: ApiError, response: requests.Response) -> ApiError:
    """Attach the description of a response to an error, for the record of a failed run."""
    failure.response = describe_response(response)
    return failure
