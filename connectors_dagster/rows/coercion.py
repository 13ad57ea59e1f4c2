"""Converts single JSON values to column types without loss, or reports a misfit."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, time
from decimal import Decimal
from typing import Any

import msgspec

from connectors_dagster.rows.json_codec import load
from connectors_dagster.spec.timestamps import TimestampFormat

MISFIT = object()
Fit = Callable[[Any, TimestampFormat], Any]
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
INT64 = range(-(2**63), 2**63)
LARGEST = 10**77
EXACT_INTEGERS = 2**53
"""Up to here a double has all digits before the point."""
NATIVE: Mapping[str, set[type]] = {"bigint": {int}, "double": {int, float}, "bool": {bool}, "text": {str}}
"""The Python types of JSON values that need no conversion for a column type; other types always need one."""


def as_text(raw: msgspec.Raw | bytes) -> str:
    """Convert JSON text to text: the content of a string, and everything else as the API wrote it."""
    text = bytes(raw)
    return str(load(text)) if text.startswith(b'"') else text.decode()


def _number(value: Any) -> Any:
    """Convert a value to a `Decimal` with all its digits, or report a misfit."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return MISFIT
    return Decimal(str(value)) if NUMBER.fullmatch(str(value)) else MISFIT


def _bigint(value: Any, _: TimestampFormat) -> Any:
    if isinstance(value, str):
        try:
            whole = int(value)
        except ValueError:
            return MISFIT
        return whole if whole in INT64 and str(whole) == value else MISFIT  # 007 and +7 may be identifiers
    number = _number(value)
    within = number is not MISFIT and INT64[0] <= number <= INT64[-1]
    return int(number) if within and number == int(number) else MISFIT


def _double(value: Any, _: TimestampFormat) -> Any:
    exact = _number(value)
    if exact is MISFIT:
        return MISFIT
    near = float(exact)
    # Digits after the point are rounded, as every JSON parser does. Those before it are not: they may be counts.
    rounded = abs(near) < EXACT_INTEGERS and near != 0 and exact != exact.to_integral_value()
    return near if near == exact or rounded else MISFIT


def _exact_double(value: Any, timestamp_format: TimestampFormat) -> Any:
    """Read a number that a double holds with all its digits; JSON is read as `Decimal` where it does not."""
    return MISFIT if isinstance(value, Decimal) else _double(value, timestamp_format)


def _decimal(value: Any, _: TimestampFormat) -> Any:
    number = _number(value)
    return number if number is not MISFIT and -LARGEST < number < LARGEST else MISFIT


def _bool(value: Any, _: TimestampFormat) -> Any:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), MISFIT)
    return value if isinstance(value, bool) else MISFIT


def _timestamp(value: Any, timestamp_format: TimestampFormat) -> Any:
    try:
        return timestamp_format.decode(value)
    except ValueError:
        return MISFIT


def _local_timestamp(value: Any, timestamp_format: TimestampFormat) -> Any:
    timestamp = _timestamp(value, timestamp_format)
    return timestamp if timestamp is MISFIT else timestamp.astimezone(UTC).replace(tzinfo=None)


def _date(value: Any, timestamp_format: TimestampFormat) -> Any:
    timestamp = _timestamp(value, timestamp_format)
    whole = timestamp is not MISFIT and timestamp.time() == time.min
    return timestamp.date() if whole else MISFIT


def _time(value: Any, _: TimestampFormat) -> Any:
    try:
        moment = time.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return MISFIT
    return MISFIT if moment.tzinfo else moment


FITS: Mapping[str, Fit] = {
    "bigint": _bigint,
    "double": _double,
    "exact double": _exact_double,
    "bool": _bool,
    "decimal": _decimal,
    "wei": _decimal,
    "timestamp": _timestamp,
    "local timestamp": _local_timestamp,
    "date": _date,
    "time": _time,
    "binary": lambda _value, _: MISFIT,  # JSON has no binary values
}
