"""HTTP as a connector wants it: its retries, its origin and no other, its secrets out of every message."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import orjson
import requests
import urllib3
from dlt.sources.helpers.requests.retry import wait_exponential_retry_after
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from connectors_dagster.connector import Retry
from connectors_dagster.errors import ApiError, ForeignOriginError, TransientApiError
from connectors_dagster.redaction import redact
from connectors_dagster.tally import Tally

logger = logging.getLogger(__name__)
PORTS = {"http": 80, "https": 443}
TRANSIENT = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


class JsonResponse(requests.Response):
    """A response that reads its body in one go and parses it once, with orjson."""

    _parsed: Any = None

    @property
    def content(self) -> bytes:
        """The decoded body.

        Raises:
            requests.exceptions.ChunkedEncodingError: it broke off, stalled or could not be decoded.
        """
        if not isinstance(self._content, bytes):
            try:
                self._content = self.raw.read(decode_content=True)
            except urllib3.exceptions.HTTPError as error:
                raise requests.exceptions.ChunkedEncodingError(error) from error
        return cast(bytes, self._content)

    def json(self, **_: Any) -> Any:
        """The parsed body; a body orjson finds too strange gets a second chance with the standard library."""
        if self._parsed is None:
            try:
                self._parsed = orjson.loads(self.content)
            except orjson.JSONDecodeError:
                self._parsed = super().json()
        return self._parsed


class JsonAdapter(HTTPAdapter):
    """An adapter whose responses are `JsonResponse`."""

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Build the response as requests does, then give it our class."""
        response = super().build_response(req, resp)
        response.__class__ = JsonResponse
        return response


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How the requests of a connector are made.

    Args:
        base_url: requests go to the origin of this address only.
        retry: when to ask again.
        allow_http: whether plain http may leave this machine.
        timeout: seconds to connect, and between two bytes.
        sleep: waits that many seconds.
        adapter: keeps the connections.
    """

    base_url: str
    retry: Retry = field(default_factory=Retry)
    allow_http: bool = False
    timeout: tuple[float, float] = (10.0, 60.0)
    sleep: Callable[[float], None] = time.sleep
    adapter: HTTPAdapter = field(default_factory=lambda: JsonAdapter(pool_maxsize=32))

    def __post_init__(self) -> None:
        """Refuse plain http to another machine."""
        url = urlsplit(self.base_url)
        if url.scheme not in PORTS or not url.hostname:
            raise ApiError(f"base_url {redact(self.base_url)!r} is no http(s) address")
        if url.scheme == "http" and not self.allow_http and not _is_loopback(url.hostname):
            raise ApiError(
                f"base_url {redact(self.base_url)!r} would send the credentials unencrypted: "
                "use https, or set allow_http = true for this source"
            )


class ApiSession(requests.Session):
    """A session for one sequence of requests; `label` names the sequence in messages.

    Raises:
        TransientApiError: the retries are used up.
        ApiError: the answer is an error that no retry mends.
        ForeignOriginError: the request would go to another origin.
    """

    def __init__(self, policy: Policy, tally: Tally, label: str) -> None:
        """Share the policy's connections, count into `tally`."""
        super().__init__()
        self.policy, self.tally, self.label = policy, tally, label
        self.mount("http://", policy.adapter)
        self.mount("https://", policy.adapter)
        retry = policy.retry
        self._retrying = Retrying(
            retry=retry_if_exception(self._may_pass),
            wait=RetryAfter(multiplier=retry.factor, max=retry.max_wait.total_seconds()),
            stop=stop_after_attempt(1 + retry.attempts),
            sleep=policy.sleep,
            before_sleep=self._note_retry,
            reraise=True,
        )

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request to the own origin, and again as the retry policy says."""
        check_origin(str(request.url), self.policy.base_url, self.label)
        # None would wait for ever; dlt's client passes no timeout of its own.
        kwargs["timeout"] = kwargs.get("timeout") or self.policy.timeout
        kwargs["stream"] = True
        failure: ApiError
        try:
            return self._retrying(self._attempt, request, **kwargs)
        except IgnoreResponseException:
            self.tally.ignored += 1
            raise
        except (ApiError, requests.TooManyRedirects) as error:
            failure = error if isinstance(error, ApiError) else ApiError(f"{self.label}: {redact(str(error))}")
        except requests.RequestException as error:
            failure = self._explain(request, error)
        # Raised outside the handler: the original error, which may hold the request, is not chained to it.
        raise failure

    def _attempt(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        self.tally.requests += 1
        response = super().send(request, **kwargs)
        self.tally.bytes += len(response.content)
        if response.status_code < 300:
            self._check_json(request, response)
        return response

    def _check_json(self, request: requests.PreparedRequest, response: requests.Response) -> None:
        try:
            response.json()
            return
        except ValueError:
            start = redact(response.content[:200].decode("utf-8", "replace"))
        raise TransientApiError(
            f"{self.label}: {_name(request)} answered {response.status_code} with something that is no JSON "
            f"({response.headers.get('Content-Type')}), beginning {start!r}: check base_url and path"
        )

    def _may_pass(self, error: BaseException) -> bool:
        if isinstance(error, requests.HTTPError) and error.response is not None:
            return error.response.status_code in self.policy.retry.statuses
        return isinstance(error, (*TRANSIENT, TransientApiError))

    def _note_retry(self, state: RetryCallState) -> None:
        wait = state.next_action.sleep if state.next_action else 0.0
        self.tally.retries += 1
        self.tally.waited += wait
        error = state.outcome.exception() if state.outcome else None
        status = error.response.status_code if isinstance(error, requests.HTTPError) else None
        logger.warning(
            "%s: %s, try %d of %d again in %.1f s",
            self.label,
            f"status {status}" if status else type(error).__name__,
            state.attempt_number,
            self.policy.retry.attempts,
            wait,
        )

    def _explain(self, request: requests.PreparedRequest, error: requests.RequestException) -> ApiError:
        if not isinstance(error, requests.HTTPError) or error.response is None:
            kind = TransientApiError if isinstance(error, TRANSIENT) else ApiError
            return kind(f"{self.label}: {_name(request)} failed: {redact(str(error))}")
        response = error.response
        status, body = response.status_code, redact(response.content[:300].decode("utf-8", "replace"))
        kind = TransientApiError if status in self.policy.retry.statuses or status >= 500 else ApiError
        return kind(f"{self.label}: {_name(request)} answered {status}: {body}{ADVICE.get(status, '')}")


ADVICE = {
    401: "; check the credentials of this source",
    403: "; the credentials may not read this: check their scope",
    404: "; check base_url and path",
}


class RetryAfter(wait_exponential_retry_after):
    """dlt's wait, 2, 4, 8 s … or `Retry-After`; a `Retry-After` of 0 means at once."""

    def __call__(self, retry_state: RetryCallState) -> float:
        """Return the seconds to wait."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if isinstance(error, requests.HTTPError) and error.response.headers.get("Retry-After", "").strip() == "0":
            return 0.0
        return float(super().__call__(retry_state))


def check_origin(url: str, base_url: str, label: str) -> None:
    """Refuse an address of another scheme, host or port, or one with user info.

    Raises:
        ForeignOriginError: nothing has been sent.
    """
    target, home = urlsplit(url), urlsplit(base_url)
    if _origin(target) != _origin(home) or (target.username or target.password):
        raise ForeignOriginError(
            f"{label}: the API pointed to {redact(url)}, which is not at {_origin(home)}: "
            "not followed, the credentials stay here"
        )


def _origin(url: SplitResult) -> str:
    return f"{url.scheme}://{url.hostname}:{url.port or PORTS.get(url.scheme)}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _name(request: requests.PreparedRequest) -> str:
    return redact(f"{request.method} {request.url}")
