"""The type of each column: that of the destination, the declared one, or the one inferred from its values."""

from collections.abc import Mapping
from typing import Any, cast

import pyarrow as pa
from dlt.common.data_types import TDataType
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.schema import TColumnSchema, TTableSchemaColumns

from connectors_dagster.compat.dlt_internals import arrow_type
from connectors_dagster.rows.column_names import ColumnNames
from connectors_dagster.rows.drift import Drift

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
        if "data_type" in self._declared.get(column, {}) and _kind(declared) != _kind(hints):
            remark = f"declared as {_kind(declared)}, but the table has {_kind(hints)} and keeps it"
            self._drift.remark(column, remark)

    def kind(self, column: str) -> str:
        """Return the type of a column: a dlt data type, or ``local timestamp``."""
        return _kind(self.hints[column])

    def arrow_type(self, column: str) -> pa.DataType:
        """Return the Arrow type that the destination uses for a column."""
        return arrow_type(self.hints[column], self._capabilities)


def _kind(hints: Mapping[str, Any]) -> str:
    local = hints["data_type"] == "timestamp" and hints.get("timezone") is False
    return "local timestamp" if local else str(hints["data_type"])
