"""A column of JSON values as an Arrow array; those that do not fit are pointed out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.data_types import TDataType

from connectors_dagster.clock import Clock
from connectors_dagster.json_text import dump, whole_characters
from connectors_dagster.values import FITS, INT64, MISFIT, NATIVE

NUL, NUL_IN_JSON = "\0", r"\u0000"
ESCAPE = re.compile(r"\\(?:u0000|.)")
EXACT_CASTS = {(pa.int64(), pa.float64()), (pa.float64(), pa.int64())}


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


def fit(values: Sequence[Any], kind: str, arrow_type: pa.DataType, clock: Clock) -> Fitted:
    """Make the values of a column fit its type.

    Args:
        values: as JSON gives them; None is null.
        kind: a data type of dlt, or ``local timestamp``.
        arrow_type: how the destination holds it.
        clock: reads instants.

    Raises:
        RecursionError: an object or array is nested too deeply to be written.
    """
    if kind == "json":
        return Fitted(pa.array([None if value is None else dump(value) for value in values], pa.string()))
    array = _whole(values, kind, arrow_type)
    return _one_by_one(values, kind, arrow_type, clock) if array is None else Fitted(array)


def json_texts(raws: Sequence[Any]) -> pa.Array:
    """Take JSON text as it is, for a json column; ``null`` is null, and halves of surrogate pairs become escapes."""
    texts = pa.array([None if raw is None else bytes(raw) for raw in raws], pa.binary())
    texts = pc.if_else(pc.equal(texts, b"null"), None, texts).cast(pa.string())
    if not pc.any(pc.match_substring(texts, r"\ud", ignore_case=True)).as_py():
        return texts
    return pa.array([text and whole_characters(text) for text in texts.to_pylist()], pa.string())


def infer(values: Sequence[Any], *, exact: bool) -> TDataType | None:
    """Choose the type of a column by its values, whatever their order; None if all are null.

    Args:
        values: as JSON gives them.
        exact: whether numbers and booleans get a type of their own rather than text.
    """
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


def _whole(values: Sequence[Any], kind: str, arrow_type: pa.DataType) -> pa.Array | None:
    """Convert a whole column at once if every value fits as it is."""
    try:
        array = pa.array(values)
        if array.type == pa.float64() and bool in set(map(type, values)):
            return None  # Arrow would take true for 1.0
        if array.type == arrow_type:
            return array
        if pa.types.is_null(array.type) or (array.type, arrow_type) in EXACT_CASTS:
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


def _one_by_one(values: Sequence[Any], kind: str, arrow_type: pa.DataType, clock: Clock) -> Fitted:
    fit_one, native = FITS[kind], NATIVE.get(kind)
    fitted = [None if value is None else fit_one(value, clock) for value in values]
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


def _holds(arrow_type: pa.DataType, values: Sequence[Any]) -> bool:
    try:
        _array(values, arrow_type)
    except (pa.ArrowException, OverflowError):
        return False
    return True
