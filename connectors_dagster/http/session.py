"""HTTP as a connector wants it: its retries, its origin and no other, its secrets out of every message."""

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
SPENT = 20.0
"""Seconds to wait when no request is left and the API does not say until when (as Picqer's own client waits)."""
ADVICE = {
    401: "; check the credentials of this source",
    403: "; the credentials may not read this: check their scope",
    404: "; check base_url and path",
    429: "; lower max_parallel_requests of this source, or run again later",
}
BROKEN_API = "; the API has a problem of its own: run again later"
UNREACHED = "; is the API up, and base_url its address?"
UNTRUSTED = "; REQUESTS_CA_BUNDLE names the certificates to trust"


@dataclass(frozen=True, kw_only=True)
class RequestPolicy:
    """How the requests of a connector are made.

    Args:
        base_url: requests go to the origin of this address only.
        retry: when to ask again.
        allow_http: whether plain http may leave this machine.
        timeout: seconds to connect, and between two bytes.
        sleep: waits that many seconds.
        clock: tells seconds that only ever grow.
        adapter: keeps the connections.
        rate_limiter: limits concurrent requests and requests per minute; None for no limit.
        rate_limit_header: a response header with the number of requests that are left.
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
        """Refuse an address that no credentials should be sent to."""
        _ = self.origin

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port of the API."""
        return home_origin(self.base_url, allow_http=self.allow_http)


class ApiSession(requests.Session):
    """A session for one sequence of requests; `label` names the sequence in messages.

    Raises:
        TransientApiError: the retries are used up.
        ApiError: the answer is an error that no retry mends.
        ForeignOriginError: the request would go to another origin.
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
        """Share the policy's connections, count into `stats`, leave the fields of rows at `rows_at` unparsed.

        `ignored_responses` says of answers that are ignored what they mean, by a text that they hold.
        """
        super().__init__()
        self.policy, self.stats, self.label, self.rows_at = policy, stats, label, rows_at
        self.ignored_responses = ignored_responses
        self._seen: requests.Response | None = None
        self.mount("http://", policy.adapter)
        self.mount("https://", policy.adapter)
        self._spent = False
        self._environment: Mapping[str, Any] = {}
        self._retrying = build_retrying(policy.retry, sleep=policy.sleep, before_sleep=self._note_retry)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request; an address the API made up may be none."""
        try:
            return super().prepare_request(request)
        except ValueError as error:
            failure = ApiError(f"{self.label}: {error}")
        raise failure

    def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:
        """Look for proxies and certificates in the environment as requests does, but once: it takes its time."""
        self._environment = self._environment or super().merge_environment_settings(*args, **kwargs)
        return {**self._environment}

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request to the own origin, and again as the retry policy says."""
        check_origin(str(request.url), self.policy.origin, self.label)
        kwargs |= self._insisted(kwargs)
        if kwargs.get("allow_redirects") is False:
            # A redirect that requests follows within a try: it must not be tried on its own.
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
        # Raised outside the handler: the original error, which may hold the request, is not chained to it.
        raise failure

    def see(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Keep an answer in sight while it is decided whether to ignore it."""
        self._seen = response

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Keep the credentials in a redirect: it stays at this origin or is refused."""

    def _insisted(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return what no caller and no environment can change."""
        insisted = {
            # None would wait for ever; dlt's client passes no timeout of its own.
            "timeout": given.get("timeout") or self.policy.timeout,
            # An empty CURL_CA_BUNDLE would switch verification off in some versions of requests.
            "verify": given.get("verify") or True,
            "stream": True,
        }
        # A proxy for http would get the credentials of an API on this machine in the clear.
        return insisted | ({"proxies": {}} if is_loopback(self.policy.origin) else {})

    def _attempt(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        self.stats.requests += 1
        with self._granted():
            response = cast(JsonResponse, super().send(request, **kwargs))
            response.rows_at = self.rows_at
            self.stats.bytes += len(response.content)
        self._spent = response.headers.get(self.policy.rate_limit_header or "") == "0"
        if response.status_code >= 300:
            what = (
                f"{self.label}: {describe_request(request)} answered {response.status_code} without a Location header"
            )
            raise _with_response(ApiError(f"{what}: check base_url"), response)
        self._check_json(request, response)
        return response

    @contextmanager
    def _granted(self) -> Iterator[None]:
        """Wait until the API grants a request."""
        if self._spent:
            logger.info("%s: %s is 0, waiting %d s", self.label, self.policy.rate_limit_header, SPENT)
            self.stats.waited += SPENT
            self._spent = False
            self.policy.sleep(SPENT)
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
        what = f"something that is no JSON ({response.headers.get('Content-Type')}), beginning {start!r}"
        failure = TransientApiError(
            f"{self.label}: {describe_request(request)} answered {response.status_code} with "
            f"{what if response.content else 'an empty body'}: check base_url and path"
        )
        raise _with_response(failure, response)

    def _note_ignored(self, request: requests.PreparedRequest) -> None:
        """Count an ignored answer and say so, unless it is another word for an empty list."""
        status, text = (self._seen.status_code, self._seen.text) if self._seen is not None else (0, "")
        meaning = next((meaning for word, meaning in self.ignored_responses.items() if word in text), "gone")
        if meaning == "none":
            return
        self.stats.ignored += 1
        answer = f"{describe_request(request)} answered {status}: {excerpt(text, 300)}"
        if meaning == "not_available":
            self.stats.not_available = answer
        logger.warning("%s: response ignored as configured (%s): %s", self.label, meaning, answer)

    def _note_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self.stats.retries += 1
        self.stats.waited += state.upcoming_sleep
        logger.warning(
            "%s: %s, try %d of %d again in %.1f s",
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
        if (asked := retry_after(response) or 0) > self.policy.retry.max_wait.total_seconds():
            advice += f"; it asks to wait {asked:.0f} s, longer than a run waits"
        kind = TransientApiError if status in self.policy.retry.statuses or status >= 500 else ApiError
        failure = kind(f"{self.label}: {describe_request(request)} answered {status}: {body}{advice}")
        return _with_response(failure, response)


def _with_response(failure: ApiError, response: requests.Response) -> ApiError:
    failure.response = describe_response(response)
    return failure


def _kind(error: BaseException | None) -> str:
    if isinstance(error, requests.HTTPError):
        return f"status {error.response.status_code}"
    return "no JSON" if isinstance(error, ApiError) else type(error).__name__
