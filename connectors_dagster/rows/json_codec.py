"""Parses and writes JSON without losing digits, and repairs text that is almost JSON."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import orjson

LOWEST, HIGHEST = -(2**63), 2**64 - 1
MOST_DIGITS = 4_000
# A double keeps any 15 digits, so only a run of at least 16 characters (including a point) can lose digits.
LONG = 16
SURROUNDING_LEVELS = 50
MARK = b"\x01"
DIGITS = bytes(MARK[0] if chr(code) in ".0123456789" else 0 for code in range(256))
NUMBER = re.compile(rb"-?[.\d]+(?:[eE][+-]?\d+)?")
# Near the smallest double it keeps fewer digits. Without a range of letters, Python looks for the first two bytes.
SMALL = tuple(re.compile(rb"%s-(?:29\d|[3-9]\d\d|\d{4})" % letter) for letter in (b"e", b"E"))
BEFORE_A_NUMBER = b" \t\r\n,:["
MINUS = ord("-")
STRINGS_AND_NO_NUMBERS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?Infinity|NaN', re.DOTALL)
HALF = re.compile(rb"\\u[dD][89a-fA-F]")
ESCAPES = re.compile(
    rb"\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"  # a surrogate pair
    rb"|(?P<half>\\u[dD][89a-fA-F][\da-fA-F]{2})"
    rb"|\\.",
    re.DOTALL,
)


def load(text: bytes) -> Any:
    """Parse JSON text; numbers that orjson would round or refuse become `Decimal` with all their digits.

    Numbers with thousands of digits, which no database can store, become text.

    Raises:
        ValueError: the text is not JSON.
        RecursionError: it is nested deeper than about 1,000 levels.
    """
    if not _loses_digits(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    return json.loads(repair(text), parse_int=_integer, parse_float=_fraction)


def dump(value: Any) -> str:
    """Write a value as JSON text that `load` can parse."""
    try:
        return orjson.dumps(value, default=_verbatim).decode()
    except orjson.JSONEncodeError:
        # orjson writes at most 254 levels. Beyond them, a `Decimal` becomes text with all its digits.
        return json.dumps(value, default=str, ensure_ascii=False)


def is_deep(value: Any) -> bool:
    """Return whether a value has more levels than orjson writes, with some to spare for what surrounds it."""
    for _ in range(SURROUNDING_LEVELS):
        value = [value]
    try:
        orjson.dumps(value, default=str)
    except orjson.JSONEncodeError:
        return True
    return False


def repair(text: bytes) -> bytes:
    r"""Repair the invalid JSON that some APIs send.

    `NaN` and `Infinity` become text. Lone surrogates are not characters, and no database accepts them; they become
    their escapes: ``\ud83d``.
    """
    return STRINGS_AND_NO_NUMBERS.sub(_repaired, text)


def _repaired(found: re.Match[bytes]) -> bytes:
    if found[0][:1] != b'"':
        return b'"' + found[0] + b'"'
    if not HALF.search(found[0]):
        return found[0]
    return ESCAPES.sub(lambda escape: b"\\" + escape[0] if escape["half"] else escape[0], found[0])


def _verbatim(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    if isinstance(value, msgspec.Raw):  # a row inside a value that is one of several lists
        return orjson.Fragment(bytes(value))
    raise TypeError(f"{type(value).__name__} is not a JSON type")


def _loses_digits(text: bytes) -> bool:
    """Return whether orjson would lose digits of a number; takes a fraction of the time of parsing."""
    small = (_begin(text, found.start()) for pattern in SMALL for found in pattern.finditer(text))
    return _has_a_long_number(text) or any(_is_rounded(text, begin) for begin in small)


def _begin(text: bytes, at: int) -> int:
    """Return where the number begins whose exponent is at a place."""
    start = max(at - LONG, 0)  # a longer number is found by its digits
    return start + len(text[start:at].rstrip(b"-.0123456789"))


def _has_a_long_number(text: bytes) -> bool:
    marked = text.translate(DIGITS)
    at = marked.find(MARK * LONG)
    while at >= 0:
        begin = at - 1 if text[at - 1] == MINUS else at
        if _is_rounded(text, begin):
            return True
        number = NUMBER.match(text, begin)
        assert number
        at = marked.find(MARK * LONG, number.end())
    return False


def _is_rounded(text: bytes, begin: int) -> bool:
    number = NUMBER.match(text, begin)
    outside = begin == 0 or text[begin - 1] in BEFORE_A_NUMBER
    return number is not None and outside and not _survives(number[0].decode())


def _survives(number: str) -> bool:
    try:
        return isinstance(_integer(number) if number.lstrip("-").isdigit() else _fraction(number), int | float)
    except ValueError:
        return False


def _integer(text: str) -> int | Decimal | str:
    exact = _exact(text)
    return int(exact) if isinstance(exact, Decimal) and LOWEST <= exact <= HIGHEST else exact


def _fraction(text: str) -> float | Decimal | str:
    near, exact = float(text), _exact(text)
    return near if Decimal(repr(near)) == exact else exact


def _exact(text: str) -> Decimal | str:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if len(text) < MOST_DIGITS and abs(number.adjusted()) < MOST_DIGITS else text
