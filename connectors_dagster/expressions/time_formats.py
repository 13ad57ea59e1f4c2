"""Formats of timestamps in Airbyte's spelling: strftime's, and those that count from 1970."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_time(value: str | int, form: str) -> datetime:
    """Read a timestamp in this format; without a time zone it is in UTC.

    Raises:
        ValueError: it is not in this format.
    """
    if form == "%s":
        return datetime.fromtimestamp(int(value), tz=UTC)
    if form == "%s_as_float":
        return datetime.fromtimestamp(float(value), tz=UTC)
    if form == "%epoch_microseconds":
        return EPOCH + timedelta(microseconds=int(value))
    if form == "%ms":
        return EPOCH + timedelta(milliseconds=int(value))
    parsed = datetime.strptime(str(value), form.replace("%_ms", "%f"))
    return parsed.replace(tzinfo=UTC) if parsed.utcoffset() is None else parsed


def write_time(timestamp: datetime, form: str) -> str:
    """Write a timestamp in this format."""
    if form == "%s":
        return str(int(timestamp.timestamp()))
    if form == "%s_as_float":
        return str(timestamp.timestamp())
    if form == "%epoch_microseconds":
        return str(int(timestamp.timestamp() * 1_000_000))
    if form == "%ms":
        return str(int(timestamp.timestamp() * 1000))
    if "%_ms" in form:
        # As Airbyte does it: all digits that equal the microseconds are cut to milliseconds.
        written = timestamp.strftime(form.replace("%_ms", "%f"))
        return written.replace(timestamp.strftime("%f"), f"{timestamp.microsecond // 1000:03}")
    return timestamp.strftime(form)
