"""The filters of expressions beyond those of Jinja."""

import base64
import hashlib
import hmac as keyed_hash
import json
import re
from collections.abc import Callable, Mapping
from typing import Any


def hash_text(value: Any, hash_type: str = "md5", salt: str | None = None) -> str:
    """Return the hash of a value as hexadecimal digits.

    Raises:
        ValueError: there is no such hash.
    """
    if hash_type not in hashlib.algorithms_available:
        raise ValueError(f"there is no hash named {hash_type!r}")
    return hashlib.new(hash_type, f"{value}{salt or ''}".encode(), usedforsecurity=False).hexdigest()


def hmac(value: Any, key: str, hash_type: str = "sha256") -> str:
    """Return the signature of a value as hexadecimal digits.

    Raises:
        ValueError: the hash is not sha256.
    """
    if hash_type != "sha256":
        raise ValueError(f"hmac has sha256 only, not {hash_type!r}")
    return keyed_hash.new(str(key).encode(), str(value).encode(), hashlib.sha256).hexdigest()


def base64encode(value: str) -> str:
    """Encode text."""
    return base64.b64encode(value.encode()).decode()


def base64decode(value: str) -> str:
    """Decode text."""
    return base64.b64decode(value.encode()).decode()


def base64binascii_decode(value: str) -> str:
    """Encode ASCII text; Airbyte gave the filter this name."""
    return base64.standard_b64encode(value.encode("ascii")).decode("ascii")


def as_text(value: Any) -> str:
    """Write a value as JSON in quotes, so that it stays text when the result is read."""
    return value if isinstance(value, str) else f'"""{json.dumps(value)}"""'


def regex_search(value: str, regex: str) -> str:
    """Return the first group of the first match, or nothing."""
    found = re.search(regex, value)
    return found[1] if found and found.groups() else ""


def regex_replace(value: str, regex: str, replacement: str) -> str:
    """Replace all matches."""
    return re.sub(regex, replacement, value)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "base64binascii_decode": base64binascii_decode,
    "base64decode": base64decode,
    "base64encode": base64encode,
    "hash": hash_text,
    "hmac": hmac,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "string": as_text,
}
