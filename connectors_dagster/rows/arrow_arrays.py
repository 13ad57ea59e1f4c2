"""A column of JSON text as an Arrow array; values that do not fit are reported."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.data_types import TDataType

from connectors_dagster.rows.coercion import FITS, INT64, MISFIT, NATIVE, as_text
from connectors_dagster.rows.raw_json import NULL, SEPARATOR, decode_column
from connectors_dagster.spec.iso_8601 import UTC_BY_NAME
from connectors_dagster.spec.timestamps import TimestampFormat

NUL, NUL_IN_JSON = "\0", r"\u0000"
DATE = re.compile(r"\d{4}-\d\d-\d\d")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
ZONED = re.compile(r"[T ].*(Z|[+-]\d\d(:?\d\d)?)$", re.IGNORECASE)
WITHOUT_ZONE = ("date", "local timestamp")
"""Types of columns that keep the time that the API wrote."""
ESCAPE = re.compile(r"\\(?:u0000|.)")


@dataclass(frozen=True)
class Fitted:
    """A column of values as an array, with null for a value that is null or does not fit.

    Args:
        array: the values that fit.
        misfits: the rows whose values do not fit.
        converted: how many values fit only after a conversion, such as ``"7"`` to 7.
    """

    array: pa.Array
    misfits: Sequence[int] = ()
    converted: int = 0


def fit(texts: bytes, kind: str, arrow_type: pa.DataType, timestamp_format: TimestampFormat) -> Fitted:
    """Convert the values of a column to its type.

    Args:
        texts: one JSON text per row, joined by separators.
        kind: a dlt data type, or ``local timestamp``.
        arrow_type: the Arrow type that the destination uses for it.
        timestamp_format: parses timestamps.

    Raises:
        RecursionError: a value is nested too deeply to be parsed.
    """
    if kind == "json":
        return Fitted(_as_written(texts))
    if kind in WITHOUT_ZONE:
        timestamp_format = timestamp_format.in_utc
    if pa.types.is_decimal(arrow_type) and (array := _decimals(texts, arrow_type)) is not None:
        return Fitted(array)
    if (array := _whole(_unquoted(texts), kind, arrow_type, timestamp_format)) is not None:
        return Fitted(array)
    values = decode_column(texts)
    if (array := _whole(_inferred(values), kind, arrow_type, timestamp_format)) is not None:
        return Fitted(array)
    if kind == "text":
        pairs = zip(texts.split(SEPARATOR), values, strict=True)
        written = [None if value is None else as_text(text) for text, value in pairs]
        others = sum(value is not None and not isinstance(value, str) for value in values)
        return Fitted(pa.array(written, pa.string()), converted=others)
    return _one_by_one(values, kind, arrow_type, timestamp_format)


def infer(texts: bytes, *, exact: bool, times: bool = False) -> TDataType | None:
    """Infer the type of a column from its values; their order does not matter. Returns None if all are null.

    Args:
        texts: one JSON text per row, joined by separators.
        exact: whether numbers and booleans get their own types instead of text.
        times: whether text is a date or a timestamp if all values are: a timestamp has a zone and no nanoseconds.
    """
    values = decode_column(texts)
    types = set(map(type, values)) - {type(None)}
    if not types:
        return None
    if types & {dict, list}:
        return "json"
    if not exact:
        return "text"
    if types == {int} and all(value is None or value in INT64 for value in values):
        return "bigint"
    if times and types == {str} and (data_type := _infer_time([value for value in values if value is not None])):
        return data_type
    return "double" if float in types <= NATIVE["double"] else "bool" if types == {bool} else "text"


def _infer_time(values: Sequence[str]) -> TDataType | None:
    written: tuple[tuple[re.Pattern[str], TDataType, pa.DataType], ...] = (
        (DATE, "date", pa.date32()),
        (TIMESTAMP, "timestamp", pa.timestamp("us", "UTC")),
    )
    texts, in_utc = pa.array(values), TimestampFormat()  # a timestamp has its zone, and a date has none
    for pattern, data_type, arrow_type in written:
        if all(map(pattern.fullmatch, values)) and _whole(texts, data_type, arrow_type, in_utc) is not None:
            return data_type
    return None


def without_nul(texts: pa.Array, *, json: bool) -> tuple[pa.Array, int]:
    r"""Replace NUL by ``\u0000``, or by ``\\u0000`` in JSON; also returns how many texts changed."""
    if not pc.any(pc.match_substring(texts, NUL_IN_JSON if json else NUL)).as_py():
        return texts, 0
    if json:
        written = [text and ESCAPE.sub(_literally, text) for text in texts.to_pylist()]
        changed = pa.array(written, pa.string())
    else:
        changed = pc.replace_substring(texts, NUL, NUL_IN_JSON)
    return changed, pc.sum(pc.not_equal(changed, texts)).as_py()


def _literally(escape: re.Match[str]) -> str:
    return "\\" + escape[0] if escape[0] == NUL_IN_JSON else escape[0]


def _as_written(texts: bytes) -> pa.Array:
    """Keep the JSON text unchanged."""
    written = _split(texts, SEPARATOR)
    nulls = pc.equal(written, bytes(NULL).decode())
    return pc.if_else(nulls, None, written) if pc.any(nulls).as_py() else written


def _unquoted(texts: bytes) -> pa.Array | None:
    """Remove the quotes without creating Python objects; None if a value is not a string or has an escape."""
    between = b'"' + SEPARATOR + b'"'
    quoted = texts[:1] == texts[-1:] == b'"' and texts.count(between) == texts.count(SEPARATOR)
    return _split(texts[1:-1], between) if quoted and b"\\" not in texts else None


def _split(texts: bytes, separator: bytes) -> pa.Array:
    """Split text in place and all at once, which is five times as fast as value by value."""
    bounds = pa.array([0, len(texts)], pa.int32()).buffers()[1]
    whole = pa.StringArray.from_buffers(1, bounds, pa.py_buffer(texts))
    return pc.split_pattern(whole, separator.decode()).flatten()


def _inferred(values: Sequence[Any]) -> pa.Array | None:
    """Make an array of the type that Arrow infers; None if the values have no common type."""
    try:
        array = pa.array(values)
    except (pa.ArrowException, OverflowError, ValueError):
        return None
    # Arrow would convert true to 1.0.
    return None if array.type == pa.float64() and bool in set(map(type, values)) else array


def _whole(
    array: pa.Array | None, kind: str, arrow_type: pa.DataType, timestamp_format: TimestampFormat
) -> pa.Array | None:
    """Convert a whole column at once; None if a value needs its own conversion."""
    if array is None or array.type == arrow_type:
        return array
    try:
        if pa.types.is_null(array.type) or (array.type, arrow_type) == (pa.int64(), pa.float64()):
            return array.cast(arrow_type)
        if pa.types.is_string(array.type) and kind.endswith("timestamp"):
            return _timestamps(array, in_utc=timestamp_format.timezone == "UTC").cast(arrow_type)
        if pa.types.is_string(array.type) and kind == "date":
            dates = array.cast(arrow_type)
            pc.min_max(dates).as_py()  # raises for the year 0, which Arrow would accept
            return dates
    except (pa.ArrowException, OverflowError, ValueError):
        pass
    return None


def _decimals(texts: bytes, arrow_type: pa.DataType) -> pa.Array | None:
    """Convert numbers, and text that is one, at once; None if one has more digits than the type, or is written oddly.

    Arrow would silently turn a number into 0 if all its digits lie far beyond the scale, so the digits are counted.
    """
    digits, scale = arrow_type.precision - arrow_type.scale, arrow_type.scale
    if b'"null"' in texts or min(digits, scale) < 1:
        return None
    written = _split(texts.replace(b'"', b""), SEPARATOR)
    written = pc.if_else(pc.equal(written, "null"), None, written)
    number = rf"^-?(0|[1-9][0-9]{{0,{digits - 1}}})(\.[0-9]{{1,{scale}}})?$"
    if not pc.all(pc.match_substring_regex(written, number), min_count=0).as_py():
        return None
    return written.cast(arrow_type)


def _timestamps(texts: pa.Array, *, in_utc: bool) -> pa.Array:
    """Parse ISO 8601 text if all values have a time zone, or if none has one and that means UTC.

    Raises:
        ValueError: the text has another form. Local times are read one by one, by the rules of `TimestampFormat`.
    """
    # Arrow takes text with zones, or text without: the first one tells which, so that nothing is parsed in vain.
    first = (texts.drop_null() if texts.null_count else texts)[:1].to_pylist()
    if first and UTC_BY_NAME.search(first[0]):
        texts, first = pc.replace_substring_regex(texts, UTC_BY_NAME.pattern, "Z"), ["T Z"]
    zoned = bool(first) and ZONED.search(first[0]) is not None
    if not zoned and not in_utc:
        raise ValueError("local times")
    timestamps = texts.cast(pa.timestamp("us", "UTC" if zoned else None)).cast(pa.timestamp("us"))
    pc.min_max(timestamps).as_py()  # raises for the years 0 and 10000, which Arrow would accept
    return timestamps


def _one_by_one(values: Sequence[Any], kind: str, arrow_type: pa.DataType, timestamp_format: TimestampFormat) -> Fitted:
    fit_one, native = FITS[kind], NATIVE.get(kind)
    fitted = [None if value is None else fit_one(value, timestamp_format) for value in values]
    if not _holds(arrow_type, [value for value in fitted if value is not MISFIT]):
        fitted = [value if value is MISFIT or _holds(arrow_type, [value]) else MISFIT for value in fitted]
    misfits = [index for index, value in enumerate(fitted) if value is MISFIT]
    for index in misfits:
        fitted[index] = None
    foreign = native and sum(
        type(value) not in native for value, kept in zip(values, fitted, strict=True) if kept is not None
    )
    return Fitted(_array(fitted, arrow_type), misfits, foreign or 0)


def _array(values: Sequence[Any], arrow_type: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(arrow_type):  # converting directly to seconds, Arrow would drop the fraction
        return pa.array(values, pa.timestamp("us", arrow_type.tz)).cast(arrow_type)
    return pa.array(values, arrow_type)


def _holds(arrow_type: pa.DataType, values: list[Any]) -> bool:
    try:
        array = _array(values, arrow_type)
    except (pa.ArrowException, OverflowError):
        return False
    # Arrow silently turns a number into 0 if all its digits lie far beyond the scale of the decimal.
    return not pa.types.is_decimal(arrow_type) or array.to_pylist() == values
