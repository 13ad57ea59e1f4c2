"""Masks secrets in text; no other module does."""

import base64
import html
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from urllib.parse import quote, quote_plus

MASK = "***"
_NAMES = (
    "api[_-]?key|apikey|access[_-]token|refresh[_-]token|token|client[_-]secret|api[_-]secret|secret|"
    "consumer[_-]key|consumer[_-]secret|password|passwd|pwd|authorization"
)
_IN_QUERY = re.compile(rf"(?i)([?&;](?:{_NAMES}|key|signature|sig)=)[^&\s'\"<>)]+")
_IN_JSON = re.compile(rf"(?i)(['\"](?:{_NAMES})\\?['\"]\s*:\s*\\?['\"])[^'\"\\]+")
_IN_HEADER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{6,}")
_IN_USERINFO = re.compile(r"(://)[^/?#\s]+@")
_IN_BASE64 = r"[A-Za-z0-9+/_-]*"
SHORTEST_IN_BASE64 = 4
MAX_MASKED = 100_000

_secrets: frozenset[str] = frozenset()
_known = re.compile(r"(?!)")
_encoded: dict[str, re.Pattern[str]] = {}


def remember(secrets: Iterable[str]) -> None:
    """Mask these values, also when encoded or escaped, in everything that this process logs or raises."""
    global _secrets, _known, _encoded
    found = _secrets.union(secrets)
    if found != _secrets:
        # At least three characters: masking shorter values would make every text unreadable.
        forms = {form for secret in found for form in _forms(secret) if len(form) > 2}
        _known = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))) or r"(?!)")
        cores = {core for secret in found for core in _base64_cores(secret)}
        _encoded = {core: re.compile(f"{_IN_BASE64}{re.escape(core)}{_IN_BASE64}=*") for core in cores}
        _secrets = found
    if not isinstance(logging.getLogRecordFactory(), _RedactingFactory):
        logging.setLogRecordFactory(_RedactingFactory(logging.getLogRecordFactory()))


def redact(text: str) -> str:
    """Mask every known secret, and any value in a place where secrets usually are."""
    text = _known.sub(MASK, text)
    for core, word in _encoded.items():
        if core in text:
            text = word.sub(MASK, text)
    for place in (_IN_QUERY, _IN_JSON):
        text = place.sub(rf"\1{MASK}", text)
    return _IN_USERINFO.sub(rf"\1{MASK}@", _IN_HEADER.sub(rf"\1 {MASK}", text))


def excerpt(text: str, length: int) -> str:
    """Return the beginning of a text. It is masked before it is shortened: half a secret would not be recognized."""
    return redact(text[:MAX_MASKED])[:length]


def _forms(secret: str) -> Iterator[str]:
    for value in {secret, secret.strip()}:
        quoted = [quote(value, safe=""), quote(value), quote_plus(value)]
        quoted += [_lower_hex(text) for text in quoted]
        yield from chain(quoted, map(quote, quoted))
        yield from (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], html.escape(value))
        yield from (repr(value)[1:-1], repr(value.encode())[2:-1])


def _lower_hex(text: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), text)


def _base64_cores(secret: str) -> Iterator[str]:
    """Yield the part of base64 that the secret alone determines, for each of its three possible alignments."""
    raw = secret.encode()
    if len(raw) < SHORTEST_IN_BASE64:
        return
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        # The characters at both ends also encode bits of the neighbouring text.
        core = encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield from (core, core.replace("+", "-").replace("/", "_"))


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
        if record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info)
            if (safe := redact(trace)) != trace:
                record.exc_info, record.exc_text = None, safe
        return record
