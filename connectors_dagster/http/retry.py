"""Whether a failed request is worth retrying, and how long to wait first."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential

from connectors_dagster.errors import TransientApiError
from connectors_dagster.spec.options import Retry

BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


def build_retrying(policy: Retry, **options: Any) -> Retrying:
    """Build tenacity's retrying from a retry policy; `options` are tenacity's, such as `sleep`."""
    longest = policy.max_wait.total_seconds()

    def enough(state: RetryCallState) -> bool:
        # A retry before the end of `Retry-After` would only prolong the block.
        return state.attempt_number > policy.attempts or state.upcoming_sleep > longest

    return Retrying(
        retry=retry_if_exception(lambda error: is_transient(error, policy)),
        wait=RetryWait(multiplier=policy.factor, max=longest),
        stop=enough,
        reraise=True,
        **options,
    )


def is_transient(error: BaseException, policy: Retry) -> bool:
    """Return whether the same request may succeed later."""
    if isinstance(error, requests.HTTPError):
        return error.response is not None and error.response.status_code in policy.statuses
    return isinstance(error, (*BROKEN, TransientApiError)) and not is_untrusted(error)


def is_untrusted(error: BaseException) -> bool:
    """Return whether a certificate was refused; a retry does not help."""
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


class RetryWait(wait_exponential):
    """Waits 2, 4, 8 s …, or what `Retry-After` says."""

    def __call__(self, retry_state: RetryCallState) -> float:
        """Return the seconds to wait."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        requested = retry_after(error.response) if isinstance(error, requests.HTTPError) else None
        return float(super().__call__(retry_state)) if requested is None else requested


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
