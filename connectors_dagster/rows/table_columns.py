"""The columns of a table: converts JSON rows to Arrow batches and drops nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any, cast

import pyarrow as pa
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.normalizers.naming import NamingConvention
from dlt.common.schema import TColumnSchema, TTableSchemaColumns

from connectors_dagster.errors import RowError
from connectors_dagster.rows.arrow_arrays import Fitted, fit, infer, without_nul
from connectors_dagster.rows.coercion import as_text
from connectors_dagster.rows.column_buffer import ColumnBuffer
from connectors_dagster.rows.column_names import FIELD, ColumnNames
from connectors_dagster.rows.column_types import ColumnTypes
from connectors_dagster.rows.drift import Drift
from connectors_dagster.rows.raw_json import SEPARATOR, RawRow, decode, join_column
from connectors_dagster.rows.required_values import RequiredValues, digits_below_microsecond
from connectors_dagster.rows.undeclared_fields import UndeclaredFields
from connectors_dagster.rows.untyped_column import UntypedColumn
from connectors_dagster.spec.limits import Limits
from connectors_dagster.spec.timestamps import TimestampFormat

ROW_ID = "_dlt_id"
"""The column in which dlt numbers rows with child tables; required in every table that once had child tables."""


@dataclass(kw_only=True)
class TableColumns:
    """The columns of one table while it is read: the declared columns, and those that the API adds.

    A value that does not fit the type of its column goes, as text, into dlt's variant column `<column>__v_text`.
    An undeclared field becomes a text column, or a json column if it contains objects or arrays. If no columns are
    declared, it gets the type of its first values instead. A column that the destination already has keeps its type.

    Args:
        label: names the resource in errors.
        declared: dlt column hints by field name; without `data_type`, the first values decide the type.
        keys: fields that must have a value that fits, like fields declared `nullable: false`.
        naming: converts field names to column names.
        capabilities: what the destination can store.
        stores_nul: whether the destination stores text with the character NUL.
        stored: the columns that the table already has in the destination.
        timestamp_format: parses timestamps.
        inferred: whether no columns are declared, except keys and columns copied from the parent.
        limits: how many columns may be added to those that are declared.
    """

    label: str
    declared: TTableSchemaColumns
    keys: frozenset[str]
    naming: NamingConvention
    capabilities: DestinationCapabilitiesContext
    stores_nul: bool = True
    stored: TTableSchemaColumns = field(default_factory=dict)
    timestamp_format: TimestampFormat = field(default_factory=TimestampFormat)
    inferred: bool = False
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Start with the declared columns and the keys whose types are known."""
        self.declared = {**{key: {"name": key} for key in sorted(self.keys)}, **self.declared}
        longest = self.capabilities.max_column_identifier_length
        stored = self.stored if self.inferred else None
        self._names = ColumnNames(self.label, self.naming, longest, self.declared, stored)
        self._seen: set[str] = set()
        self.check_fields = UndeclaredFields(self.label, self.declared.keys(), self.limits).check
        self._whole: dict[str, bool] = {}
        self._drift = Drift()
        self._types = ColumnTypes(self.declared, self.stored, self._names, self.capabilities, self._drift)
        not_null = {name for name, hints in self.declared.items() if hints.get("nullable") is False}
        self._required = RequiredValues(
            label=self.label,
            fields=self.keys | not_null,
            keys=self.keys,
            single=frozenset(key for key in self.keys if self.inferred and not self._is_json(key)),
            types=self._types,
            timestamp_format=self.timestamp_format,
        )
        if ROW_ID in self.stored:
            self.hints[ROW_ID] = self.stored[ROW_ID]

    @property
    def hints(self) -> dict[str, TColumnSchema]:
        """The dlt hints of each column whose type is known."""
        return self._types.hints

    def _is_json(self, key: str) -> bool:
        return key in self.hints and self._types.kind(key) == "json"

    @property
    def key_columns(self) -> list[str]:
        """The columns of the keys."""
        return [self._names.column(key) for key in sorted(self.keys)]

    @property
    def stored_keys(self) -> list[str]:
        """The columns of the keys as the destination spells them."""
        return [self._names.stored(column) for column in self.key_columns]

    @property
    def required(self) -> frozenset[str]:
        """The fields that must have a value that fits."""
        return self._required.fields

    def column(self, field: str) -> str:
        """Return the column of a field, or the name of the child table that a list is in.

        Raises:
            RowError: another field already has that column.
        """
        return self._names.column(field)

    def is_whole(self, field: str) -> bool:
        """Return whether objects and arrays in a field are loaded as a whole: it is declared, or a json column."""
        if field not in self._whole:
            stored = self.stored.get(self._names.plain(field), {})
            self._whole[field] = field in self.declared or stored.get("data_type") == "json"
        return self._whole[field]

    def stored_name(self, name: str | None) -> str | None:
        """Return the column of a declared field as the destination spells it."""
        return name and self._names.stored(name)

    def column_of(self, field: str | None) -> str | None:
        """Return the column that has the values of a field, as the destination spells it; None if there is none."""
        column = self._names.columns.get(field or "")
        return self._names.stored(column) if column in self.hints else None

    def fields(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a loaded row by their names in the API."""
        return {name: self._value(column, row) for name, column in self._names.columns.items()}

    def _value(self, column: str, row: Mapping[str, Any]) -> Any:
        value = row.get(self._names.stored(column))
        if value is None:
            return row.get(self._names.variant(column))
        return decode(value.encode()) if self._types.kind(column) == "json" else value

    @property
    def drift(self) -> dict[str, str]:
        """Differences from the declaration, by column."""
        return self._drift.by_column()

    @property
    def untyped(self) -> list[UntypedColumn]:
        """The columns that the table has as text or json although they are declared with another type."""
        return self._types.untyped(self.keys, self.timestamp_format)

    def restart(self) -> None:
        """Forget which rows were seen, but not the types of the columns."""
        self._seen = set()
        self._drift.forget_rows()

    @property
    def missing(self) -> list[str]:
        """The declared fields that no row had; empty if there were no rows."""
        return [name for name in self.declared if name not in self._seen] if self._seen else []

    def unusable(self, rows: Sequence[RawRow]) -> dict[int, str]:
        """Return the rows that cannot be loaded, by number, because a required value is missing or does not fit.

        Raises:
            RowError: a required value is nested too deeply.
        """
        found: dict[int, str] = {}
        for name in self.required:
            try:
                found |= self._required.unusable(self._names.column(name), join_column(rows, name))
            except RecursionError:
                raise self._too_deep(name) from None
        return found

    def to_batch(self, rows: ColumnBuffer) -> pa.RecordBatch:
        """Convert rows to a batch with all declared columns and those that the rows add.

        Raises:
            RowError: a key has no value that fits, a value is nested too deeply, two fields would share a column, or
                too many fields are not declared.
        """
        if not rows:
            self._default_keys_to_text()
        arrays: dict[str, pa.Array] = {}
        found = rows.names
        self.check_fields(found)
        self._seen |= found
        for name in sorted(found | self.required, key=self.rank) if rows else ():
            column, texts = self._names.column(name), rows.column(name)
            try:
                if column in self.hints or self._infer(name, column, texts):
                    arrays |= self._arrays(column, texts)
            except RecursionError:
                raise self._too_deep(name) from None
        if ROW_ID in self.hints:
            arrays[ROW_ID] = pa.array([token_urlsafe(9) for _ in range(len(rows))], pa.string())
        for column in self.hints.keys() - arrays.keys():
            arrays[column] = pa.nulls(len(rows), self._types.arrow_type(column))
        schema = pa.schema([pa.field(c, arrays[c].type, nullable=c not in self.required) for c in self.hints])
        return pa.RecordBatch.from_arrays([arrays[column] for column in self.hints], schema=schema)

    def rank(self, name: str) -> tuple[bool, str]:
        """Sort fields that are spelled like their column first, because they have the first claim on it."""
        return not self._names.is_plain(name), name

    def _default_keys_to_text(self) -> None:
        """Use text for keys without a known type: the table must have these columns, and text accepts every value."""
        for column in sorted(self.required - self.hints.keys()):
            self._types.decide(column, "text")
            self._drift.remark(column, "no row shows its type, so text is used")

    def _infer(self, name: str, column: str, texts: bytes) -> bool:
        """Decide the type of a new column; returns False if there is no value yet."""
        exact, found = self.inferred or column in self.declared, self.inferred and column not in self.declared
        data_type = infer(texts, exact=exact, times=found)
        if data_type:
            self._types.decide(column, data_type)
        elif column in self.required:
            self._required.reject(column, texts, Fitted(pa.nulls(0)))
        if data_type and found:
            self.hints[column] = cast(TColumnSchema, {**self.hints[column], FIELD: name})
        elif column not in self.declared and not found:
            field_name = "" if name == column else f"field {name!r} "
            loaded = f"loaded as {self.hints[column]['data_type']}" if data_type else "always null"
            self._drift.remark(column, f"{field_name}not declared, {loaded}")
        return data_type is not None

    def _arrays(self, column: str, texts: bytes) -> dict[str, pa.Array]:
        kind = self._types.kind(column)
        exactly = "exact " if kind == "double" and self.inferred and column not in self.declared else ""
        fitted = fit(texts, exactly + kind, self._types.arrow_type(column), self.timestamp_format)
        if column in self.required and fitted.array.null_count:
            self._required.reject(column, texts, fitted)
        if cut := digits_below_microsecond(self._types.arrow_type(column), texts):
            self._drift.count(column, "digits below a microsecond are not stored", cut)
        if fitted.converted and column in self.declared:
            self._drift.count(column, f"another type, converted to {kind}", fitted.converted)
        arrays = {column: fitted.array}
        if fitted.misfits:
            arrays |= self._variant(column, texts, fitted.misfits)
        return {name: self._storable(name, array) for name, array in arrays.items()}

    def _variant(self, column: str, texts: bytes, misfits: Sequence[int]) -> dict[str, pa.Array]:
        name = self._names.variant(column)
        self.hints[name] = {"name": name, "data_type": "text", "variant": True}
        self._drift.count(column, f"not a {self._types.kind(column)}, loaded into {name}", len(misfits))
        written = texts.split(SEPARATOR)
        kept: list[str | None] = [None] * len(written)
        for index in misfits:
            kept[index] = as_text(written[index])
        return {name: pa.array(kept, pa.string())}

    def _storable(self, column: str, array: pa.Array) -> pa.Array:
        if self.stores_nul or not pa.types.is_string(array.type):
            return array
        storable, changed = without_nul(array, json=self._types.kind(column) == "json")
        if changed:
            self._drift.count(column, r"contains NUL, stored as \u0000", changed)
        return storable

    def _too_deep(self, name: str) -> RowError:
        return RowError(f"{self.label}: {name!r} contains a value that is nested too deeply")
