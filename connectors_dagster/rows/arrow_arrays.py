"""A column of JSON text as an Arrow array; values that do not fit are pointed out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.data_types import TDataType

from connectors_dagster.rows.coercion import FITS, INT64, MISFIT, NATIVE, as_text
from connectors_dagster.rows.raw_json import NULL, SEPARATOR, decode_column
from connectors_dagster.spec.timestamps import TimestampFormat

NUL, NUL_IN_JSON = "\0", r"\u0000"
ESCAPE = re.compile(r"\\(?:u0000|.)")


@dataclass(frozen=True)
class Fitted:
    """A column of values as an array: null where one is null or does not fit.

    Args:
        array: the values that fit.
        misfits: where values do not fit.
        converted: how many fit only because they were converted, such as ``"7"`` to 7.
    """

    array: pa.Array
    misfits: Sequence[int] = ()
    converted: int = 0


def fit(texts: bytes, kind: str, arrow_type: pa.DataType, timestamp_format: TimestampFormat) -> Fitted:
    """Make the values of a column fit its type.

    Args:
        texts: one JSON text per row, with separators between them.
        kind: a data type of dlt, or ``local timestamp``.
        arrow_type: how the destination holds it.
        timestamp_format: reads timestamps.

    Raises:
        RecursionError: a value is nested too deeply to be read.
    """
    if kind == "json":
        return Fitted(_as_written(texts))
    if (array := _whole(_unquoted(texts), kind, arrow_type)) is not None:
        return Fitted(array)
    values = decode_column(texts)
    if (array := _whole(_guessed(values), kind, arrow_type)) is not None:
        return Fitted(array)
    if kind == "text":
        pairs = zip(texts.split(SEPARATOR), values, strict=True)
        written = [None if value is None else as_text(text) for text, value in pairs]
        others = sum(value is not None and not isinstance(value, str) for value in values)
        return Fitted(pa.array(written, pa.string()), converted=others)
    return _one_by_one(values, kind, arrow_type, timestamp_format)


def infer(texts: bytes, *, exact: bool) -> TDataType | None:
    """Choose the type of a column by its values, whatever their order; None if all are null.

    Args:
        texts: one JSON text per row, with separators between them.
        exact: whether numbers and booleans get a type of their own rather than text.
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
    return "double" if float in types <= NATIVE["double"] else "bool" if types == {bool} else "text"


def without_nul(texts: pa.Array, *, json: bool) -> tuple[pa.Array, int]:
    r"""Write NUL as ``\u0000``, and as ``\\u0000`` in JSON; returns also how many texts had one."""
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
    """Take over JSON text as it is."""
    written = _split(texts, SEPARATOR)
    nulls = pc.equal(written, bytes(NULL).decode())
    return pc.if_else(nulls, None, written) if pc.any(nulls).as_py() else written


def _unquoted(texts: bytes) -> pa.Array | None:
    """Take text out of its quotes, without making objects of it; None if a value is no text or escapes a character."""
    between = b'"' + SEPARATOR + b'"'
    quoted = texts[:1] == texts[-1:] == b'"' and texts.count(between) == texts.count(SEPARATOR)
    return _split(texts[1:-1], between) if quoted and b"\\" not in texts else None


def _split(texts: bytes, separator: bytes) -> pa.Array:
    """Cut text in one go, where it is: to take it over one by one takes five times as long."""
    bounds = pa.array([0, len(texts)], pa.int32()).buffers()[1]
    whole = pa.StringArray.from_buffers(1, bounds, pa.py_buffer(texts))
    return pc.split_pattern(whole, separator.decode()).flatten()


def _guessed(values: Sequence[Any]) -> pa.Array | None:
    """Make an array of the type Arrow takes the values for; None if they have none in common."""
    try:
        array = pa.array(values)
    except (pa.ArrowException, OverflowError, ValueError):
        return None
    # Arrow would take true for 1.0
    return None if array.type == pa.float64() and bool in set(map(type, values)) else array


def _whole(array: pa.Array | None, kind: str, arrow_type: pa.DataType) -> pa.Array | None:
    """Convert a whole column at once if every value fits as it is."""
    if array is None or array.type == arrow_type:
        return array
    try:
        if pa.types.is_null(array.type) or (array.type, arrow_type) == (pa.int64(), pa.float64()):
            return array.cast(arrow_type)
        if pa.types.is_string(array.type) and kind.endswith("timestamp"):
            return _instants(array).cast(arrow_type)
    except (pa.ArrowException, OverflowError, ValueError):
        pass
    return None


def _instants(texts: pa.Array) -> pa.Array:
    """Read ISO 8601 text that is all with or all without a zone; without, it is UTC."""
    try:
        instants = texts.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        instants = texts.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    pc.min_max(instants).as_py()  # raises for the years 0 and 10000, which Arrow would accept
    return instants


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
    if pa.types.is_timestamp(arrow_type):  # straight to seconds, Arrow would cut off the rest
        return pa.array(values, pa.timestamp("us", arrow_type.tz)).cast(arrow_type)
    return pa.array(values, arrow_type)


def _holds(arrow_type: pa.DataType, values: list[Any]) -> bool:
    try:
        array = _array(values, arrow_type)
    except (pa.ArrowException, OverflowError):
        return False
    # Of digits far behind the last one a decimal has, Arrow makes 0 and does not complain.
    return not pa.types.is_decimal(arrow_type) or array.to_pylist() == values
