"""Single JSON values made to fit a column type, or found not to fit."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from connectors_dagster.clock import Clock

MISFIT = object()
Fit = Callable[[Any, Clock], Any]
INT64 = range(-(2**63), 2**63)
EXACT_IN_DOUBLE = range(-(2**53), 2**53 + 1)


def dump(value: Any) -> str:
    """Write a value as JSON text, also one orjson refuses."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, ValueError):
        return json.dumps(value, ensure_ascii=True)


def as_text(value: Any) -> str:
    """Write any value as text: text as it is, everything else as JSON."""
    return encodable(value) if isinstance(value, str) else dump(value)


def encodable(text: str) -> str:
    r"""Write halves of surrogate pairs, which no database takes, as their escapes (``\\ud83d``)."""
    return text.encode("utf-8", "backslashreplace").decode()


def _bigint(value: Any, _: Clock) -> Any:
    if isinstance(value, str):
        try:
            value = int(value) if str(int(value)) == value else MISFIT
        except ValueError:
            return MISFIT
    if isinstance(value, float) and value.is_integer() and int(value) in EXACT_IN_DOUBLE:
        value = int(value)
    return value if type(value) is int and value in INT64 else MISFIT


def _double(value: Any, _: Clock) -> Any:
    if isinstance(value, str):
        try:
            return float(Decimal(value))
        except InvalidOperation:
            return MISFIT
    if type(value) is int:
        return float(value) if value in EXACT_IN_DOUBLE else MISFIT
    return value if isinstance(value, float) else MISFIT


def _bool(value: Any, _: Clock) -> Any:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), MISFIT)
    return value if isinstance(value, bool) else MISFIT


def _decimal(value: Any, _: Clock) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return MISFIT
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return MISFIT
    return number if number.is_finite() and number == round(number, 9) else MISFIT


def _timestamp(value: Any, clock: Clock) -> Any:
    try:
        return clock.decode(value)
    except ValueError:
        return MISFIT


def _local_timestamp(value: Any, clock: Clock) -> Any:
    instant = _timestamp(value, clock)
    return instant if instant is MISFIT else instant.astimezone(UTC).replace(tzinfo=None)


def _date(value: Any, clock: Clock) -> Any:
    instant = _timestamp(value, clock)
    whole = instant is not MISFIT and instant.time() == instant.time().min
    return instant.date() if whole else MISFIT


FITS: Mapping[str, Fit] = {
    "bigint": _bigint,
    "double": _double,
    "bool": _bool,
    "decimal": _decimal,
    "timestamp": _timestamp,
    "local timestamp": _local_timestamp,
    "date": _date,
    "text": lambda value, _: as_text(value),
    "json": lambda value, _: dump(value),
}
