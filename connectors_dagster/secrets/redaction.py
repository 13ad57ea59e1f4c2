"""Masks secrets in text; no other module does."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator

from connectors_dagster.secrets.names import SECRET_NAME
from connectors_dagster.secrets.spellings import SHORTEST
from connectors_dagster.secrets.unescaped import unescape
from connectors_dagster.secrets.wanted import Wanted

MASK = "***"
_IN_QUERY = re.compile(rf"(?i)([?&;](?:{SECRET_NAME}|key|signature|sig)=)[^&\s'\"<>)]+")
_IN_JSON = re.compile(rf"(?i)(['\"](?:{SECRET_NAME})\\?['\"]\s*:\s*\\?['\"])[^'\"\\]+")
_IN_HEADER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}")
_IN_USERINFO = re.compile(r"(://)[^/?#\s]+@")
MAX_MASKED = 100_000
LONGEST = 20_000
"""Characters that one secret may take in a text, with all its escapes."""

# As dlt makes the name of a column: these characters become letters, all others except letters and digits are dropped.
_IN_NAMES = str.maketrans("+*@|", "xxal")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
SHORTEST_IN_NAMES = 6

_secrets: frozenset[str] = frozenset()
_wanted = Wanted()


def remember(secrets: Iterable[str]) -> None:
    """Mask these values, also when encoded or escaped, in everything that this process logs or raises."""
    global _secrets, _wanted
    found = {secret for secret in secrets if len(secret.strip()) >= SHORTEST} - _secrets
    if found:
        _wanted = _wanted.with_secrets(found)
        _secrets |= found
    if not isinstance(logging.getLogRecordFactory(), _RedactingFactory):
        logging.setLogRecordFactory(_RedactingFactory(logging.getLogRecordFactory()))


def redact(text: str) -> str:
    """Mask every known secret, and any value in a place where secrets usually are."""
    text = "".join(_masked(text, len(text)))
    for place in (_IN_QUERY, _IN_JSON):
        text = place.sub(rf"\1{MASK}", text)
    return _IN_USERINFO.sub(rf"\1{MASK}@", _IN_HEADER.sub(rf"\1 {MASK}", text))


def redact_name(name: str) -> str:
    """Mask the name of a field or column, which keeps only the letters and digits of a secret."""
    kept = _in_names(name)
    known = {_in_names(secret) for secret in _secrets}
    return MASK if any(len(one) >= SHORTEST_IN_NAMES and one in kept for one in known) else redact(name)


def excerpt(text: str, length: int) -> str:
    """Return the beginning of a text. It is masked before it is shortened: half a secret would not be recognized."""
    if len(text) <= MAX_MASKED:
        return redact(text)[:length]
    # What is left of a secret at the end of the part that is searched is not shown.
    return redact("".join(_masked(text[:MAX_MASKED], MAX_MASKED - LONGEST)))[:length]


def _masked(text: str, end: int) -> Iterator[str]:
    """Yield the text up to an end, with a mask for each secret."""
    shown = 0
    for start, stop in _spans(text):
        if stop > shown and start < end:
            if start >= shown:
                yield text[shown:start]
                yield MASK
            shown = stop
    yield text[shown:end]


def _spans(text: str) -> list[tuple[int, int]]:
    """List where secrets stand in a text, in order; a word in base64 counts as a whole."""
    return sorted(layer.origin(*span) for layer in unescape(text) for span in _wanted.find(layer.text))


def _in_names(text: str) -> str:
    return _NOT_IN_NAMES.sub("", text.translate(_IN_NAMES).lower())


class _RedactingFactory:
    """Makes log records without secrets in their text, for all loggers and handlers."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self.make = make

    def __call__(self, *args: object, **kwargs: object) -> logging.LogRecord:
        record = self.make(*args, **kwargs)
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # logging reports a wrong format string itself
            return record
        if (safe := redact(text)) != text:
            record.msg, record.args = safe, ()
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        if record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
            if (safe := redact(trace)) != trace:
                record.exc_info, record.exc_text = None, safe
        return record
