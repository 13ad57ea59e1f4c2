"""Declared columns: rows of JSON become an Arrow batch, and nothing a row holds is dropped."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pyarrow as pa
from dlt.common.data_types import TDataType
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.libs.pyarrow import get_py_arrow_datatype
from dlt.common.normalizers.naming import NamingConvention
from dlt.common.schema.typing import TColumnSchema, TTableSchemaColumns

from connectors_dagster.clock import Clock
from connectors_dagster.errors import RowError
from connectors_dagster.values import FITS, MISFIT, as_text, dump

Row = Mapping[str, Any]
BEYOND_64_BITS = 2**64


@dataclass(kw_only=True)
class Columns:
    """The columns of one table while it is read: those declared, and those the API adds.

    A value that does not fit its column's type goes, as text, into dlt's variant column
    `<column>__v_text`. A field nobody declared becomes a column of text, or of json when it holds objects or
    arrays. `drift` says by column what happened.

    Args:
        label: names the resource in errors.
        declared: columns by name, as dlt hints; without `data_type` the first value decides.
        keys: columns that must have a value that fits.
        naming: makes column names of field names.
        capabilities: what the destination can hold.
        stored: what the destination already knows of the table.
        clock: reads instants.
    """

    label: str
    declared: TTableSchemaColumns
    keys: frozenset[str]
    naming: NamingConvention
    capabilities: DestinationCapabilitiesContext
    stored: TTableSchemaColumns = field(default_factory=dict)
    clock: Clock = Clock()
    drift: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start with the declared columns; a type left open may have been decided by an earlier load."""
        self.hints: dict[str, TColumnSchema] = {}
        self._seen: set[str] = set()
        self._column_of = {name: name for name in self.declared}
        for name, hints in self.declared.items():
            if data_type := hints.get("data_type") or self.stored.get(name, {}).get("data_type"):
                self.hints[name] = {**hints, "name": name, "data_type": data_type}

    def to_batch(self, rows: Sequence[Row]) -> pa.RecordBatch:
        """Turn rows into a batch with all declared columns and those the rows add.

        Raises:
            RowError: a key has no value, or a number has more digits than were read.
        """
        fields = {self._column(name): name for name in dict.fromkeys(name for row in rows for name in row)}
        self._seen.update(fields)
        arrays: dict[str, pa.Array] = {}
        for column in dict.fromkeys((*self.hints, *fields)):
            values = [row.get(fields[column]) for row in rows] if column in fields else [None] * len(rows)
            if column in self.hints or self._infer(column, values):
                arrays |= self._arrays(column, values)
        schema = pa.schema([pa.field(name, a.type, nullable=name not in self.keys) for name, a in arrays.items()])
        return pa.RecordBatch.from_arrays(list(arrays.values()), schema=schema)

    def absent(self) -> list[str]:
        """List declared columns that no row had a field for."""
        return [name for name in self.declared if name not in self._seen]

    def _column(self, name: str) -> str:
        if name not in self._column_of:
            column = self.naming.normalize_identifier(name)
            if column in self._column_of.values() or column.startswith("_dlt_"):
                # Two fields that differ in case only: the later one keeps its values under a name of its own.
                column = f"{column}_{hashlib.sha256(name.encode('utf-8', 'backslashreplace')).hexdigest()[:6]}"
            self._column_of[name] = column
        return self._column_of[name]

    def _infer(self, column: str, values: list[Any]) -> bool:
        """Decide the type of a new column; without any value there is nothing to keep yet."""
        first = next((value for value in values if value is not None), None)
        if first is None:
            if column in self.keys:
                self._refuse_key(column, values)
            return False
        open_type = self.declared.get(column)
        data_type = self.stored.get(column, {}).get("data_type") or _inferred(first, exact=open_type is not None)
        self.hints[column] = {**(open_type or {}), "name": column, "data_type": data_type}
        if open_type is None:
            self.drift[column] = f"not declared, loaded as {data_type}"
        return True

    def _arrays(self, column: str, values: list[Any]) -> dict[str, pa.Array]:
        hints = self.hints[column]
        kind, arrow_type = _kind(hints), get_py_arrow_datatype(hints, self.capabilities, "UTC")
        array = _fast(values, kind, arrow_type)
        if array is not None:
            if column in self.keys and array.null_count:
                self._refuse_key(column, values)
            return {column: array}
        return self._slow(column, values, arrow_type)

    def _slow(self, column: str, values: list[Any], arrow_type: pa.DataType) -> dict[str, pa.Array]:
        kind = _kind(self.hints[column])
        fit = FITS[kind]
        self._refuse_rounded(column, values, kind)
        fitted = [None if value is None else fit(value, self.clock) for value in values]
        misfits = [index for index, value in enumerate(fitted) if value is MISFIT]
        for index in misfits:
            fitted[index] = None
        if column in self.keys and any(value is None for value in fitted):
            self._refuse_key(column, [None if index in misfits else value for index, value in enumerate(values)])
        arrays = {column: pa.array(fitted, arrow_type)}
        if misfits:
            arrays |= self._variant(column, values, set(misfits))
        return arrays

    def _variant(self, column: str, values: list[Any], misfits: set[int]) -> dict[str, pa.Array]:
        name = self.naming.shorten_fragments(column, "v_text")
        self.hints[name] = {"name": name, "data_type": "text", "variant": True}
        self.drift[column] = f"{len(misfits)} values are no {self.hints[column]['data_type']}, loaded into {name}"
        texts = [as_text(value) if index in misfits else None for index, value in enumerate(values)]
        return {name: pa.array(texts, pa.string())}

    def _refuse_key(self, column: str, values: list[Any]) -> None:
        row = values.index(None) if None in values else 0
        raise RowError(
            f"{self.label}: row {row + 1} of a batch has no usable key {column!r}, declared as "
            f"{self.hints.get(column, {}).get('data_type', 'any type')}: check primary_key and the schema file"
        )

    def _refuse_rounded(self, column: str, values: list[Any], kind: str) -> None:
        rounded = (v for v in values if isinstance(v, float) and abs(v) >= BEYOND_64_BITS and v.is_integer())
        if kind != "double" and (value := next(rounded, None)) is not None:
            raise RowError(
                f"{self.label}: {column!r} holds {value!r}, an integer beyond 64 bits that reading has rounded"
            )


def _kind(hints: TColumnSchema) -> str:
    local = hints["data_type"] == "timestamp" and hints.get("timezone") is False
    return "local timestamp" if local else str(hints["data_type"])


def _inferred(value: Any, *, exact: bool) -> TDataType:
    if isinstance(value, dict | list):
        return "json"
    names = {bool: "bool", int: "bigint", float: "double"} if exact else {}
    return cast(TDataType, names.get(type(value), "text"))


def _fast(values: list[Any], kind: str, arrow_type: pa.DataType) -> pa.Array | None:
    """Convert a whole column at once if every value fits as it is."""
    try:
        if kind == "json":
            return pa.array([None if value is None else dump(value) for value in values], pa.string())
        array = pa.array(values)
        if pa.types.is_null(array.type) or array.type == arrow_type:
            return array.cast(arrow_type)
        if pa.types.is_string(array.type) and kind.endswith("timestamp"):
            return _instants(array, kind, arrow_type)
    except (pa.ArrowException, UnicodeEncodeError, OverflowError, TypeError):
        pass
    return None


def _instants(array: pa.Array, kind: str, arrow_type: pa.DataType) -> pa.Array:
    """Read ISO 8601 text that is all with or all without a zone."""
    try:
        return array.cast(pa.timestamp("us")).cast(arrow_type)
    except pa.ArrowInvalid:
        return array.cast(pa.timestamp("us", "UTC")).cast(arrow_type)  # to local: the same instant, in UTC
