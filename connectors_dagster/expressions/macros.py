"""The functions that expressions may call."""

import builtins
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus
from uuid import uuid4
from zoneinfo import ZoneInfo

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

from connectors_dagster.expressions.durations import Months, parse_duration
from connectors_dagster.expressions.time_formats import parse_time, write_time

NOW = "__now__"
"""The name in the scope of the time that a run takes for now; without it, the clock says."""
MICROSECONDS = "%Y-%m-%dT%H:%M:%S.%f%z"
YEAR_OR_MONTH = re.compile(r"\d{4}(-\d\d)?")


@pass_context
def now_utc(context: Context) -> datetime:
    """Return the time."""
    now = context.get(NOW)
    return now if isinstance(now, datetime) else datetime.now(UTC)


@pass_context
def today_utc(context: Context) -> date:
    """Return the date in UTC."""
    return now_utc(context).date()


@pass_context
def today_with_timezone(context: Context, timezone: str) -> date:
    """Return the date in a time zone, such as ``Europe/Amsterdam``."""
    if not isinstance(timezone, str):
        raise ValueError("a time zone is text")
    return now_utc(context).astimezone(ZoneInfo(timezone)).date()


@pass_context
def day_delta(context: Context, num_days: int, format: str = MICROSECONDS) -> str:
    """Return the time so many days from now."""
    return (now_utc(context) + timedelta(days=num_days)).strftime(format)


def duration(datestring: str) -> timedelta | Months:
    """Read a duration such as ``P30D``."""
    return parse_duration(datestring)


def str_to_datetime(s: str) -> datetime:
    """Read a timestamp in ISO 8601; without a time zone it is in UTC.

    Raises:
        UndefinedError: it is not there.
        ValueError: it is not a timestamp.
    """
    if isinstance(s, Undefined):
        s.read()  # as every use of it, this raises
    if isinstance(s, list | dict):
        raise ValueError("a list or an object is not a timestamp")
    found = YEAR_OR_MONTH.fullmatch(s)
    text = s if not found else f"{s}-01" if found[1] else f"{s}-01-01"
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def timestamp(dt: float | str) -> int | float:
    """Return the seconds since 1970: whole ones of a number, and with a fraction those of a text."""
    return int(dt) if isinstance(dt, int | float) else str_to_datetime(dt).timestamp()


def format_datetime(dt: str | datetime | int, format: str, input_format: str | None = None) -> str:
    """Write a timestamp in another format."""
    if isinstance(dt, datetime):
        return dt.strftime(format)
    if isinstance(dt, int):
        parsed = parse_time(dt, input_format or "%s")
    else:
        parsed = datetime.strptime(dt, input_format) if input_format else str_to_datetime(dt)
    return write_time(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC), format)


def largest(*values: Any) -> Any:
    """Return the largest of some values, or of the one list."""
    return builtins.max(*values)


def smallest(*values: Any) -> Any:
    """Return the smallest of some values, or of the one list."""
    return builtins.min(*values)


def camel_case_to_snake_case(value: str) -> str:
    """Write ``camelCase`` as ``camel_case``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", value).lower()


def generate_uuid() -> str:
    """Return a random UUID."""
    return str(uuid4())


MACROS: Mapping[str, Callable[..., Any]] = {
    "camel_case_to_snake_case": camel_case_to_snake_case,
    "day_delta": day_delta,
    "duration": duration,
    "format_datetime": format_datetime,
    "generate_uuid": generate_uuid,
    "max": largest,
    "min": smallest,
    "now_utc": now_utc,
    "sanitize_url": quote_plus,
    "str_to_datetime": str_to_datetime,
    "timestamp": timestamp,
    "today_utc": today_utc,
    "today_with_timezone": today_with_timezone,
}
