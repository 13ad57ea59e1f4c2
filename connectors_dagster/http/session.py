"""HTTP sessions with the connector's retries, limited to its origin, and without secrets in messages."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from types import MappingProxyType
from typing import Any, cast

import requests
from dlt.sources.helpers.rest_client.auth import APIKeyAuth
from tenacity import RetryCallState

from connectors_dagster.compat.dlt_internals import IgnoreResponseException
from connectors_dagster.errors import ApiError
from connectors_dagster.http.body_checks import check_json, check_reported_error, refuse_to_ignore
from connectors_dagster.http.failure import cause_of, explain_failure, with_response
from connectors_dagster.http.origin import check_origin, is_loopback
from connectors_dagster.http.read_stats import ReadStats
from connectors_dagster.http.request_budget import LimitError, request_budget
from connectors_dagster.http.request_parts import without_param
from connectors_dagster.http.request_policy import RequestPolicy
from connectors_dagster.http.response import JsonResponse, describe_request
from connectors_dagster.http.response_rules import RetriedResponseError, apply_rule, find_rule
from connectors_dagster.http.retry import build_retrying, is_exhausted
from connectors_dagster.http.server_clock import lag_behind
from connectors_dagster.secrets.redaction import excerpt, redact
from connectors_dagster.spec.options import MissingEnvelope
from connectors_dagster.spec.response_rule import IgnoredResponse, ResponseRule
from connectors_dagster.telemetry import measures

logger = logging.getLogger(__name__)
LIMIT_PAUSE = 20.0
"""Seconds to wait if no requests remain and the API does not say until when; Picqer's own client waits as long."""


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
        error_when: str | None = None,
        retry_reported_errors: bool = False,
        missing_envelope: MissingEnvelope = "fail",
        rules: Sequence[ResponseRule] = (),
    ) -> None:
        """Share the policy's connections, count in `stats`, leave the fields of rows at `rows_at` unparsed.

        `ignored_responses` maps a text in the body of an ignored response to its meaning. `error_when` is where the
        body of a successful response reports an error; `retry_reported_errors` is whether such errors are retried.
        `missing_envelope` says whether a first response without a body is a page without rows. `rules` say what
        responses mean that mean something else than their status says.
        """
        super().__init__()
        self.policy, self.stats, self.label, self.rows_at = policy, stats, label, rows_at
        self.ignored_responses = ignored_responses
        self.error_when, self.retry_reported_errors = error_when, retry_reported_errors
        self.rules = rules
        self.without_body = missing_envelope == "empty"
        self.has_page = self.reread = False
        self.renew_token: Callable[[requests.PreparedRequest], None] | None = None
        self._kept: requests.Response | None = None
        self._rule: ResponseRule | None = None
        self.mount("http://", policy.adapter)
        self.mount("https://", policy.adapter)
        # Without any authentication of its own, requests would use ~/.netrc, even in place of a declared header.
        self.auth = _as_declared
        self._exhausted, self._status = False, 0
        self._usual_headers = dict(self.headers)
        self._environment: Mapping[str, Any] = {}
        self._retrying = build_retrying(
            policy.retry, reached=policy.reached.is_set, sleep=policy.sleep, before_sleep=self._note_retry
        )

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request; a link from the API may not be a valid URL, and may already have the API key."""
        if isinstance(request.auth, APIKeyAuth) and request.auth.location in ("query", "param"):
            request.url = without_param(str(request.url), request.auth.name)
        try:
            return self._prepared(request)
        except ValueError as error:
            failure = ApiError(f"{self.label}: {error}")
        raise failure

    def _prepared(self, request: requests.Request) -> requests.PreparedRequest:
        """Prepare a request; requests' own merging with the session takes as long as half of it."""
        headers = {**self._usual_headers, **(request.headers or {})}
        prepared = requests.PreparedRequest()
        prepared.prepare(
            method=request.method,
            url=request.url,
            headers={name: value for name, value in headers.items() if value is not None},
            files=request.files,
            data=request.data,
            params=request.params or None,
            auth=request.auth or self.auth,
            cookies=self.cookies,
            hooks=request.hooks if request.hooks.get("response") else self.hooks,
            json=request.json,
        )
        return prepared

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
            failure = self._note_ignored(request)
            if failure is None:
                raise
        except ApiError as error:
            failure = error
        except LimitError as error:
            failure = ApiError(f"{self.label}: {describe_request(request)} {error}")
        except (OSError, ValueError) as error:  # requests' own errors are OSErrors
            failure = explain_failure(self.label, request, error, self.policy)
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
        self._status = 0
        measured = measures.request(str(request.method), self.policy.labels, lambda: self._status)
        with self._allowed(), request_budget(self.policy.limits), measured:
            sent = self.policy.now() if self.policy.now else None
            response = cast(JsonResponse, self._send_authorized(request, **kwargs))
            response.rows_at = self.rows_at
            response.ends_pages = (self.has_page or self.without_body) and response.status_code == 204
            self.stats.bytes += len(response.content)
        self.policy.reached.set()
        if sent:
            lag = lag_behind(sent, response.headers).total_seconds()
            self.stats.clock_lag = max(self.stats.clock_lag, lag)
        self._exhausted = is_exhausted(response.headers.get(self.policy.rate_limit_header or "", ""))
        if response.status_code >= 300:
            what = (
                f"{self.label}: {describe_request(request)} answered {response.status_code} without a Location header"
            )
            raise with_response(ApiError(f"{what}: check base_url"), response)
        check_json(request, response, self.label)
        if self.rows_at or self.error_when is not None:  # a body that is itself the row is not checked
            check_reported_error(
                request, response, self.label, error_when=self.error_when, retried=self.retry_reported_errors
            )
        return response

    def _send_authorized(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request; if its access token is rejected, send it once more with a new one.

        Raises:
            RetriedResponseError, ApiError, IgnoredResponseError: a rule says so.
        """
        error, response = None, None
        try:
            response = self._send_renewing(request, **kwargs)
        except requests.HTTPError as caught:
            error, response = caught, caught.response
        self._status = 0 if response is None else response.status_code
        self._rule = None if response is None else find_rule(self.rules, response)
        if response is not None and self._rule:
            self._kept = response
            apply_rule(self._rule, request, response, label=self.label, retry=self.policy.retry)
        if error is not None:
            raise error
        return cast(requests.Response, response)

    def _send_renewing(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        try:
            return super().send(request, **kwargs)
        except requests.HTTPError as error:
            if self.renew_token is None or error.response is None or error.response.status_code != 401:
                raise
        self.renew_token(request)
        self.stats.requests += 1
        return super().send(request, **kwargs)

    @contextmanager
    def _allowed(self) -> Iterator[None]:
        """Wait until the limits allow a request."""
        if self._exhausted:
            logger.info(
                "%s: %s says that no requests remain, waiting %d s",
                self.label,
                self.policy.rate_limit_header,
                LIMIT_PAUSE,
            )
            self.stats.waited += LIMIT_PAUSE
            self._exhausted = False
            self.policy.sleep(LIMIT_PAUSE)
        limiter = self.policy.rate_limiter
        with limiter.request(self.policy.sleep) if limiter else nullcontext(0.0) as waited:
            self.stats.waited += waited
            yield

    def _note_ignored(self, request: requests.PreparedRequest) -> ApiError | None:
        """Count and log an ignored response, unless it only means an empty list; return an error if that loses rows."""
        status, text = (self._kept.status_code, self._kept.text) if self._kept is not None else (0, "")
        default: IgnoredResponse = "none" if status == 204 else "gone"
        meaning = next((meaning for word, meaning in self.ignored_responses.items() if word in text), default)
        meaning = self._rule.meaning if self._rule else meaning
        if self._kept is not None:
            after_pages = self.has_page and meaning not in ("none", "unknown")
            if failure := refuse_to_ignore(request, self._kept, self.label, self.rows_at, after_pages=after_pages):
                return failure
        if meaning == "none" or (meaning == "unknown" and self.has_page):
            return None
        self.stats.ignored += 1
        description = f"{describe_request(request)} answered {status}: {excerpt(text, 300)}"
        if meaning == "not_available":
            self.stats.not_available = description
        level = logging.INFO if meaning == "unknown" else logging.WARNING
        logger.log(level, "%s: response ignored as configured (%s): %s", self.label, meaning, description)
        return None

    def _note_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self.stats.retries += 1
        self.stats.waited += state.upcoming_sleep
        logger.warning(
            "%s: %s: %s, retry %d of %d in %.1f s",
            self.label,
            redact(str(state.args[0].url).partition("?")[0]),
            _cause(error),
            state.attempt_number,
            self.policy.retry.attempts,
            state.upcoming_sleep,
        )


def _as_declared(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add nothing to a request."""
    return request


def _cause(error: BaseException | None) -> str:
    if isinstance(error, RetriedResponseError):
        return f"status {error.response['status']}, which is declared to be retried"
    return cause_of(error)
