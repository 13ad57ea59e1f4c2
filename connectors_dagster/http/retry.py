"""Whether a failed try may pass by itself, and how long to wait before the next."""

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
    """Put a retry policy to work; `options` are tenacity's, such as `sleep`."""
    longest = policy.max_wait.total_seconds()

    def enough(state: RetryCallState) -> bool:
        # To come back sooner than `Retry-After` says would only prolong the ban.
        return state.attempt_number > policy.attempts or state.upcoming_sleep > longest

    return Retrying(
        retry=retry_if_exception(lambda error: is_transient(error, policy)),
        wait=RetryWait(multiplier=policy.factor, max=longest),
        stop=enough,
        reraise=True,
        **options,
    )


def is_transient(error: BaseException, policy: Retry) -> bool:
    """Tell whether the same request may succeed later."""
    if isinstance(error, requests.HTTPError):
        return error.response is not None and error.response.status_code in policy.statuses
    return isinstance(error, (*BROKEN, TransientApiError)) and not is_untrusted(error)


def is_untrusted(error: BaseException) -> bool:
    """Tell whether a certificate was refused; no waiting mends that."""
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


class RetryWait(wait_exponential):
    """Waits 2, 4, 8 s …, or what `Retry-After` says."""

    def __call__(self, retry_state: RetryCallState) -> float:
        """Return the seconds to wait."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        asked = retry_after(error.response) if isinstance(error, requests.HTTPError) else None
        return float(super().__call__(retry_state)) if asked is None else asked


def retry_after(response: requests.Response) -> float | None:
    """Read `Retry-After`, in seconds; None when it is absent, makes no sense or lies in the past.

    A date is measured from the response's own `Date`: the clocks of two machines differ.
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
