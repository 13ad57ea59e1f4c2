"""The type of each column: that of the destination, the declared one, or the one inferred from its values."""

from collections.abc import Mapping, Set
from typing import Any, cast

import pyarrow as pa
from dlt.common.data_types import TDataType
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.schema import TColumnSchema, TTableSchemaColumns

from connectors_dagster.compat.dlt_internals import arrow_type
from connectors_dagster.rows.column_names import ColumnNames
from connectors_dagster.rows.drift import Drift
from connectors_dagster.rows.untyped_column import OF_ANY_TYPE, UntypedColumn
from connectors_dagster.spec.timestamps import TimestampFormat

TYPE_HINTS = ("data_type", "precision", "scale", "timezone")


class ColumnTypes:
    """The dlt hints of each column whose type is known.

    A column that the destination already has keeps its type.

    Args:
        declared: dlt column hints by field name.
        stored: the columns that the table already has in the destination.
        names: spells columns as the destination does.
        capabilities: what the destination can store.
        drift: records a declared type that differs from the stored one.
    """

    def __init__(
        self,
        declared: TTableSchemaColumns,
        stored: TTableSchemaColumns,
        names: ColumnNames,
        capabilities: DestinationCapabilitiesContext,
        drift: Drift,
    ) -> None:
        """Start with the declared columns whose types are known."""
        self.hints: dict[str, TColumnSchema] = {}
        self._untyped: dict[str, TColumnSchema] = {}
        self._declared, self._stored, self._names = declared, stored, names
        self._capabilities, self._drift = capabilities, drift
        for name, hints in declared.items():
            self.decide(name, hints.get("data_type"))

    def decide(self, column: str, data_type: TDataType | None) -> None:
        """Give a column its type in the destination, or this one if it is new."""
        declared = {**self._declared.get(column, {}), "name": column}
        if data_type:
            declared["data_type"] = data_type
        hints, stored = declared, self._stored.get(self._names.stored(column), {})
        if "data_type" in stored:
            hints = {hint: value for hint, value in declared.items() if hint not in TYPE_HINTS}
            hints |= {hint: value for hint, value in stored.items() if hint in TYPE_HINTS}
        if "data_type" in hints:
            self.hints[column] = cast(TColumnSchema, hints)
        if "data_type" in self._declared.get(column, {}) and kind_of(declared) != kind_of(hints):
            remark = f"declared as {kind_of(declared)}, but the table has {kind_of(hints)} and keeps it"
            self._drift.remark(column, remark)
            if stored.get("data_type") in OF_ANY_TYPE:
                self._untyped[column] = cast(TColumnSchema, declared)

    def untyped(self, keys: Set[str], timestamp_format: TimestampFormat) -> list[UntypedColumn]:
        """Return the columns that the table has as text or json although they are declared with another type.

        Args:
            keys: the names of those whose values identify rows.
            timestamp_format: parses timestamps.
        """
        found = []
        for name, declared in self._untyped.items():
            column = self._names.stored(name)
            found.append(
                UntypedColumn(
                    name=column,
                    variant=self._names.variant(name, str(self._stored[column].get("data_type"))),
                    stored=self._stored[column],
                    declared=declared,
                    kind=kind_of(declared),
                    arrow_type=arrow_type(declared, self._capabilities),
                    is_key=name in keys,
                    timestamp_format=timestamp_format,
                )
            )
        return found

    def kind(self, column: str) -> str:
        """Return the type of a column: a dlt data type, or ``local timestamp``."""
        return kind_of(self.hints[column])

    def arrow_type(self, column: str) -> pa.DataType:
        """Return the Arrow type that the destination uses for a column."""
        return arrow_type(self.hints[column], self._capabilities)


def kind_of(hints: Mapping[str, Any]) -> str:
    """Return the type of a column with these hints: a dlt data type, or ``local timestamp``."""
    local = hints["data_type"] == "timestamp" and hints.get("timezone") is False
    return "local timestamp" if local else str(hints["data_type"])
