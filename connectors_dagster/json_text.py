"""JSON text read and written without losing digits, halves of characters, or depth."""

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
ESCAPES = re.compile(
    r"\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"  # a surrogate pair
    r"|(?P<half>\\u[dD][89a-fA-F][\da-fA-F]{2})"
    r"|\\.",
    re.DOTALL,
)


def load(body: bytes, charset: str | None = None) -> Any:
    r"""Parse a body; what orjson would round or refuses is parsed by the standard library.

    Numbers that fit neither 64 bits nor a double come as `Decimal`, digit by digit, and those no database holds as
    text, as do `NaN` and `Infinity`, which JSON does not have. Halves of surrogate pairs, which no database takes,
    come as their escapes (``\ud83d``). `charset` counts for a body that is not Unicode.

    Raises:
        ValueError: the body is no JSON.
        RecursionError: it is nested deeper than some 1,000 levels.
    """
    if not _says_more_than_doubles(body):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    return json.loads(
        whole_characters(_decode(body, charset)), parse_int=_integer, parse_float=_fraction, parse_constant=str
    )


def whole_characters(text: str) -> str:
    r"""Write halves of surrogate pairs in JSON text as text: ``\ud83d`` as ``\\ud83d``."""
    return ESCAPES.sub(lambda escape: "\\" + escape[0] if escape["half"] else escape[0], text)


def dump(value: Any) -> str:
    """Write a value as compact JSON text.

    Raises:
        RecursionError: it is nested too deeply.
    """
    try:
        return orjson.dumps(value, default=_verbatim).decode()
    except orjson.JSONEncodeError:
        # Deeper than the 254 levels orjson writes; a `Decimal` down there becomes text, with all its digits.
        return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))


def _verbatim(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no JSON")


def _says_more_than_doubles(body: bytes) -> bool:
    """Find a number whose digits reading would change; costs a tenth of parsing."""
    marked = body.translate(DIGITS)
    at = marked.find(MARK * LONG)
    while at >= 0:
        begin = at - 1 if body[at - 1] == MINUS else at
        number = NUMBER.match(body, begin)
        assert number
        if body[begin - 1] in BEFORE_A_NUMBER and not _survives(number[0].decode()):
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


def _decode(body: bytes, charset: str | None) -> str:
    try:
        return body.decode(json.detect_encoding(body))
    except UnicodeDecodeError as error:
        try:
            return body.decode(charset or "utf-8")
        except LookupError:
            raise error from None
