"""HTTP sessions with the connector's retries, limited to its origin, and without secrets in messages."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState

from connectors_dagster.compat.dlt_internals import IgnoreResponseException
from connectors_dagster.errors import ApiError, TransientApiError
from connectors_dagster.http.origin import check_origin, home_origin, is_loopback
from connectors_dagster.http.rate_limiter import RateLimiter
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.response import JsonAdapter, JsonResponse, describe_request, describe_response
from connectors_dagster.http.retry import BROKEN, build_retrying, is_untrusted, retry_after
from connectors_dagster.secrets.redaction import excerpt
from connectors_dagster.spec.options import IgnoredResponse, Retry

logger = logging.getLogger(__name__)
LIMIT_PAUSE = 20.0
"""Seconds to wait if no requests remain and the API does not say until when; Picqer's own client waits as long."""
ADVICE = {
    401: "; check the credentials of this source",
    403: "; the credentials are not allowed to read this: check their scope",
    404: "; check base_url and path",
    429: "; lower max_parallel_requests of this source, or run again later",
}
BROKEN_API = "; the API has a problem: run again later"
UNREACHED = "; check that the API is running and that base_url is correct"
UNTRUSTED = "; set REQUESTS_CA_BUNDLE to the file of certificates to trust"


@dataclass(frozen=True, kw_only=True)
class RequestPolicy:
    """How the requests of a connector are made.

    Args:
        base_url: requests go only to the origin of this URL.
        retry: which requests are retried, and after how long.
        allow_http: whether plain http may be used to reach other machines.
        timeout: maximum seconds to connect, and between two bytes.
        sleep: waits for a number of seconds.
        clock: returns monotonic seconds.
        adapter: holds the connections.
        rate_limiter: limits concurrent requests and requests per minute; None for no limit.
        rate_limit_header: a response header with the number of remaining requests.
    """

    base_url: str
    retry: Retry = field(default_factory=Retry)
    allow_http: bool = False
    timeout: tuple[float, float] = (10.0, 60.0)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    adapter: HTTPAdapter = field(default_factory=JsonAdapter)
    rate_limiter: RateLimiter | None = None
    rate_limit_header: str | None = None

    def __post_init__(self) -> None:
        """Refuse a base URL to which credentials must not be sent."""
        _ = self.origin

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port of the API."""
        return home_origin(self.base_url, allow_http=self.allow_http)


class ApiSession(requests.Session):
    """A session for one request sequence; `label` names the sequence in messages.

    Raises:
        TransientApiError: the retries are used up.
        ApiError: the response is an error, and a retry does not help.
        ForeignOriginError: the request would have gone to another origin.
    """

    def __init__(
        self,
        policy: RequestPolicy,
        stats: ReadStats,
        label: str,
        *,
        rows_at: Sequence[str] | None = None,
        ignored_responses: Mapping[str, IgnoredResponse] = MappingProxyType({}),
    ) -> None:
        """Share the policy's connections, count in `stats`, leave the fields of rows at `rows_at` unparsed.

        `ignored_responses` maps a text in the body of an ignored response to its meaning.
        """
        super().__init__()
        self.policy, self.stats, self.label, self.rows_at = policy, stats, label, rows_at
        self.ignored_responses = ignored_responses
        self._kept: requests.Response | None = None
        self.mount("http://", policy.adapter)
        self.mount("https://", policy.adapter)
        self._exhausted = False
        self._environment: Mapping[str, Any] = {}
        self._retrying = build_retrying(policy.retry, sleep=policy.sleep, before_sleep=self._note_retry)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request; a link from the API may not be a valid URL."""
        try:
            return super().prepare_request(request)
        except ValueError as error:
            failure = ApiError(f"{self.label}: {error}")
        raise failure

    def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:
        """Read proxies and certificates from the environment as requests does, but only once because it is slow."""
        self._environment = self._environment or super().merge_environment_settings(*args, **kwargs)
        return {**self._environment}

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request to the API's origin; retry as the policy says."""
        check_origin(str(request.url), self.policy.origin, self.label)
        kwargs |= self._enforced(kwargs)
        if kwargs.get("allow_redirects") is False:
            # requests follows a redirect within an attempt: it must not be retried separately.
            self.stats.requests += 1
            return super().send(request, **kwargs)
        try:
            return self._retrying(self._attempt, request, **kwargs)
        except IgnoreResponseException:
            self._note_ignored(request)
            raise
        except ApiError as error:
            failure = error
        except (OSError, ValueError) as error:  # requests' own errors are OSErrors
            failure = self._explain(request, error)
        # Raised outside the handler, so that the original error, which may contain the request, is not chained to it.
        raise failure

    def keep_response(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Keep a response while dlt decides whether to ignore it."""
        self._kept = response

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Keep the credentials in a redirect: it leads to the same origin or is refused."""

    def _enforced(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the options that callers and the environment cannot override."""
        enforced = {
            # None would wait forever, and dlt's client passes no timeout.
            "timeout": given.get("timeout") or self.policy.timeout,
            # An empty CURL_CA_BUNDLE would turn verification off in some versions of requests.
            "verify": given.get("verify") or True,
            "stream": True,
        }
        # A proxy for http would get the credentials of an API on this machine unencrypted.
        return enforced | ({"proxies": {}} if is_loopback(self.policy.origin) else {})

    def _attempt(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        self.stats.requests += 1
        with self._allowed():
            response = cast(JsonResponse, super().send(request, **kwargs))
            response.rows_at = self.rows_at
            self.stats.bytes += len(response.content)
        self._exhausted = response.headers.get(self.policy.rate_limit_header or "") == "0"
        if response.status_code >= 300:
            what = (
                f"{self.label}: {describe_request(request)} answered {response.status_code} without a Location header"
            )
            raise _with_response(ApiError(f"{what}: check base_url"), response)
        self._check_json(request, response)
        return response

    @contextmanager
    def _allowed(self) -> Iterator[None]:
        """Wait until the limits allow a request."""
        if self._exhausted:
            logger.info("%s: %s is 0, waiting %d s", self.label, self.policy.rate_limit_header, LIMIT_PAUSE)
            self.stats.waited += LIMIT_PAUSE
            self._exhausted = False
            self.policy.sleep(LIMIT_PAUSE)
        limiter = self.policy.rate_limiter
        with limiter.request(self.policy.sleep) if limiter else nullcontext(0.0) as waited:
            self.stats.waited += waited
            yield

    def _check_json(self, request: requests.PreparedRequest, response: requests.Response) -> None:
        try:
            response.json()
            return
        except ValueError:
            start = excerpt(response.content.decode("utf-8", "replace"), 200)
        what = f"a body that is not JSON ({response.headers.get('Content-Type')}), beginning with {start!r}"
        failure = TransientApiError(
            f"{self.label}: {describe_request(request)} answered {response.status_code} with "
            f"{what if response.content else 'an empty body'}: check base_url and path"
        )
        raise _with_response(failure, response)

    def _note_ignored(self, request: requests.PreparedRequest) -> None:
        """Count and log an ignored response, unless it only means an empty list."""
        status, text = (self._kept.status_code, self._kept.text) if self._kept is not None else (0, "")
        meaning = next((meaning for word, meaning in self.ignored_responses.items() if word in text), "gone")
        if meaning == "none":
            return
        self.stats.ignored += 1
        description = f"{describe_request(request)} answered {status}: {excerpt(text, 300)}"
        if meaning == "not_available":
            self.stats.not_available = description
        logger.warning("%s: response ignored as configured (%s): %s", self.label, meaning, description)

    def _note_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self.stats.retries += 1
        self.stats.waited += state.upcoming_sleep
        logger.warning(
            "%s: %s, retry %d of %d in %.1f s",
            self.label,
            _kind(error),
            state.attempt_number,
            self.policy.retry.attempts,
            state.upcoming_sleep,
        )

    def _explain(self, request: requests.PreparedRequest, error: Exception) -> ApiError:
        if not isinstance(error, requests.HTTPError) or error.response is None:
            kind = TransientApiError if isinstance(error, BROKEN) and not is_untrusted(error) else ApiError
            advice = UNTRUSTED if is_untrusted(error) else UNREACHED
            return kind(f"{self.label}: {describe_request(request)} failed: {error}{advice}")
        response, status = error.response, error.response.status_code
        body, advice = excerpt(response.text, 300), ADVICE.get(status, BROKEN_API if status >= 500 else "")
        longest = self.policy.retry.max_wait.total_seconds()
        if (requested := retry_after(response) or 0) > longest:
            advice += f"; Retry-After is {requested:.0f} s, but a run waits at most {longest:.0f} s"
        kind = TransientApiError if status in self.policy.retry.statuses or status >= 500 else ApiError
        failure = kind(f"{self.label}: {describe_request(request)} answered {status}: {body}{advice}")
        return _with_response(failure, response)


def _with_response(failure: ApiError, response: requests.Response) -> ApiError:
    failure.response = describe_response(response)
    return failure


def _kind(error: BaseException | None) -> str:
    if isinstance(error, requests.HTTPError):
        return f"status {error.response.status_code}"
    return "not JSON" if isinstance(error, ApiError) else type(error).__name__
