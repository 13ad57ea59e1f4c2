"""Whether a failed request is worth retrying, and how long to wait first."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential

from connectors_dagster.errors import TransientApiError
from connectors_dagster.spec.options import Retry

ALWAYS_RETRIED = frozenset({408, 425})
FEBRUARY_2000, YEAR_5000 = 950_000_000, 100_000_000_000
"""Smaller numbers are seconds to wait, and larger ones milliseconds since 1970."""
BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


def build_retrying(policy: Retry, *, reached: Callable[[], bool], **options: Any) -> Retrying:
    """Build tenacity's retrying from a retry policy.

    Args:
        policy: what is retried, and after how long.
        reached: returns whether the API has responded to any request of the run.
        options: tenacity's own, such as `sleep`.
    """
    longest, connect = policy.max_wait.total_seconds(), policy.connect_wait.total_seconds()

    def enough(state: RetryCallState) -> bool:
        # A retry before the end of `Retry-After` would only prolong the block.
        if state.attempt_number > policy.attempts or state.upcoming_sleep > longest:
            return True
        error = state.outcome.exception() if state.outcome else None
        refused = isinstance(error, requests.ConnectionError) and not isinstance(error, requests.Timeout)
        return refused and not reached() and state.idle_for + state.upcoming_sleep > connect

    return Retrying(
        retry=retry_if_exception(lambda error: is_transient(error, policy)),
        wait=RetryWait(policy),
        stop=enough,
        reraise=True,
        **options,
    )


def is_transient(error: BaseException, policy: Retry) -> bool:
    """Return whether the same request may succeed later."""
    if isinstance(error, requests.HTTPError):
        return error.response is not None and _is_transient_status(error.response, policy)
    return isinstance(error, (*BROKEN, TransientApiError)) and not is_untrusted(error)


def _is_transient_status(response: requests.Response, policy: Retry) -> bool:
    throttled = response.status_code == 403 and retry_after(response) is not None
    return throttled or response.status_code in policy.statuses | ALWAYS_RETRIED


def is_untrusted(error: BaseException) -> bool:
    """Return whether a certificate was refused; a retry does not help."""
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


class RetryWait(wait_exponential):
    """Waits 2, 4, 8 s …, or what the response says."""

    def __init__(self, policy: Retry) -> None:
        """Take the waits from a policy."""
        super().__init__(multiplier=policy.factor, max=policy.max_wait.total_seconds())
        self.policy = policy

    def __call__(self, retry_state: RetryCallState) -> float:
        """Return the seconds to wait."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        requested: float | None = getattr(error, "wait", None)
        if isinstance(error, requests.HTTPError):
            requested = requested_wait(error.response, self.policy)
        return float(super().__call__(retry_state)) if requested is None else requested


def requested_wait(response: requests.Response, policy: Retry) -> float | None:
    """Return the longest wait that a response asks for, in seconds; None if it asks for none."""
    named = policy.wait_headers if response.status_code < 500 else ()
    waits = [retry_after(response), *(_header_wait(response, name) for name in named)]
    return max((wait for wait in waits if wait is not None), default=None)


def _header_wait(response: requests.Response, name: str) -> float | None:
    """Read a header that has seconds, or a time as seconds or milliseconds since 1970 or as a date."""
    text = response.headers.get(name, "").strip()
    now = _date(response.headers.get("Date", "")) or datetime.now(UTC)
    try:
        number = float(text)
    except ValueError:
        until = _date(text)
        return max(0.0, (until - now).total_seconds()) if until else None
    if not isfinite(number) or number < 0:
        return None
    if number < FEBRUARY_2000:
        return number
    return max(0.0, (number / 1000 if number > YEAR_5000 else number) - now.timestamp())


def retry_after(response: requests.Response) -> float | None:
    """Read `Retry-After` in seconds; None if it is missing, invalid or in the past.

    A date is compared with the response's own `Date` because the clocks of two machines differ.
    """
    text = response.headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
        return seconds if isfinite(seconds) and seconds >= 0 else None
    except ValueError:
        at, now = _date(text), _date(response.headers.get("Date", "")) or datetime.now(UTC)
    seconds = (at - now).total_seconds() if at else 0.0
    return seconds if seconds > 0 else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def is_exhausted(limit: str) -> bool:
    """Return whether no requests remain: the header is 0, or shows a full bucket, such as ``40/40``."""
    used, slash, most = limit.partition("/")
    if slash and used.strip().isdigit() and most.strip().isdigit():
        return int(used) >= int(most)
    return limit == "0"
