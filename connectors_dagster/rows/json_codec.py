"""JSON text read and written without losing digits, and mended where it is nearly JSON."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

LOWEST, HIGHEST = -(2**63), 2**64 - 1
MOST_DIGITS = 4_000
# A double keeps any 15 digits, so that only a run of 16 characters (a point among them) can say more than is read.
LONG = 16
MARK = b"\x01"
DIGITS = bytes(MARK[0] if chr(code) in ".0123456789" else 0 for code in range(256))
NUMBER = re.compile(rb"-?[.\d]+(?:[eE][+-]?\d+)?")
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
    """Parse JSON text; numbers that orjson would round or refuse come as `Decimal`, digit by digit.

    Those that no database holds, with thousands of digits, come as text.

    Raises:
        ValueError: the text is no JSON.
        RecursionError: it is nested deeper than some 1,000 levels.
    """
    if not _says_more_than_doubles(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    return json.loads(mend(text), parse_int=_integer, parse_float=_fraction)


def dump(value: Any) -> str:
    """Write a value as JSON text that `load` reads."""
    try:
        return orjson.dumps(value, default=_verbatim).decode()
    except orjson.JSONEncodeError:
        # Deeper than the 254 levels orjson writes; a `Decimal` down there becomes text, with all its digits.
        return json.dumps(value, default=str, ensure_ascii=False)


def mend(text: bytes) -> bytes:
    r"""Write what some APIs take for JSON as JSON that says the same.

    `NaN` and `Infinity` become text. Halves of surrogate pairs, which are no characters and which no database
    takes, become their escapes: ``\ud83d``.
    """
    return STRINGS_AND_NO_NUMBERS.sub(_mended, text)


def _mended(found: re.Match[bytes]) -> bytes:
    if found[0][:1] != b'"':
        return b'"' + found[0] + b'"'
    if not HALF.search(found[0]):
        return found[0]
    return ESCAPES.sub(lambda escape: b"\\" + escape[0] if escape["half"] else escape[0], found[0])


def _verbatim(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no JSON")


def _says_more_than_doubles(text: bytes) -> bool:
    """Find a number whose digits reading would change; costs a tenth of parsing."""
    marked = text.translate(DIGITS)
    at = marked.find(MARK * LONG)
    while at >= 0:
        begin = at - 1 if text[at - 1] == MINUS else at
        number = NUMBER.match(text, begin)
        assert number
        outside = begin == 0 or text[begin - 1] in BEFORE_A_NUMBER
        if outside and not _survives(number[0].decode()):
            return True
        at = marked.find(MARK * LONG, number.end())
    return False


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
