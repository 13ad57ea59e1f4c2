"""The one place that takes secrets out of text."""

import base64
import json
import logging
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
PARAMETERS = (
    "api_key|apikey|api-key|key|token|access_token|access-token|refresh_token|secret|client_secret|"
    "api_secret|consumer_key|consumer_secret|password|pwd|signature"
)
_IN_QUERY = re.compile(rf"(?i)([?&;](?:{PARAMETERS})=)[^&\s'\"<>)]+")
_IN_HEADER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}")
_IN_USERINFO = re.compile(r"(://)[^/\s@]+@")

_known: set[str] = set()


def remember(secrets: Iterable[str]) -> None:
    """Have these values, and the forms they travel in, masked wherever this process logs or raises."""
    secrets = tuple(secrets)
    pairs = (f"{name}:{password}" for name in ("", *secrets) for password in ("", *secrets))
    for secret in (*secrets, *pairs):
        if len(secret) > 2:
            _known.update(form for form in _forms(secret) if len(form) > 2)
    logging.setLogRecordFactory(_redacted_record)


def redact(text: str) -> str:
    """Mask every known secret, and whatever stands where secrets usually stand."""
    for form in sorted(_known, key=len, reverse=True):
        text = text.replace(form, MASK)
    text = _IN_QUERY.sub(rf"\1{MASK}", text)
    return _IN_USERINFO.sub(rf"\1{MASK}@", _IN_HEADER.sub(rf"\1 {MASK}", text))


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]} | encoded


def _redacted_record(*args: object, **kwargs: object) -> logging.LogRecord:
    record = logging.LogRecord(*args, **kwargs)  # type: ignore[arg-type]  # the factory is called as LogRecord is
    if _known:
        text = record.getMessage()
        if (safe := redact(text)) != text:
            record.msg, record.args = safe, ()
    return record
