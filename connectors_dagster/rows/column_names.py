"""Column names: every field gets its own, which depends only on its spelling."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, cast

from dlt.common.normalizers.naming import NamingConvention
from dlt.common.schema import TTableSchemaColumns

from connectors_dagster.errors import RowError

VARIANT = "v_text"
BELOW, SHOWN_BELOW = "\x1f", "\u241f"
"""Separates the names of a nested field; in a name itself, its symbol is used instead."""
FIELD = "x-field"
"""The hint of a column that names its field; dlt keeps hints that begin with ``x-``."""


class ColumnNames:
    """Maps fields to columns, independently of the order of fields, rows and loads.

    A declared field goes into its declared column. Any other field goes into the column of its name if the
    destination spells columns that way: `size` into `size`. Other spellings, such as `Size`, get a suffix:
    `size_b3e7d1`.

    In a table without declared columns, other spellings get the plain name too, unless another field has it:
    `createdAt` goes into `created_at`. Each column records its field, so that later loads know it. The field `city` of
    the object `address` goes into `address__city`.

    Args:
        label: names the resource in errors.
        naming: converts field names to column names.
        max_length: the maximum length of a column name.
        declared: the declared fields.
        stored: dlt column hints of a table without declared columns; None for other tables.
    """

    def __init__(
        self,
        label: str,
        naming: NamingConvention,
        max_length: int,
        declared: Iterable[str],
        stored: TTableSchemaColumns | None = None,
    ) -> None:
        """Start with the declared names."""
        self.label, self._stored = label, stored
        # The naming convention that dlt returns before a pipeline runs does not know the maximum length of names.
        self._naming = type(naming)(max_length)
        self._column_of = {name: name for name in declared}
        self._taken = {self.stored(name) for name in self._column_of}
        self._recorded = {hints[FIELD]: column for column, hints in _any(stored) if FIELD in hints}

    def column(self, field: str) -> str:
        """Return the column of a field.

        Raises:
            RowError: another field already has that column.
        """
        if field not in self._column_of:
            column = self._column(field)
            if column in self._column_of.values():
                raise RowError(
                    f"{self.label}: field {field!r} would share the column {column!r} with another field: declare it"
                )
            self._column_of[field] = column
        return self._column_of[field]

    @property
    def columns(self) -> Mapping[str, str]:
        """The column of each field that is declared or was looked up."""
        return self._column_of

    def stored(self, column: str) -> str:
        """Return the name of a column as the destination spells it."""
        return self._naming.normalize_path(column)

    def variant(self, column: str, data_type: str = "text") -> str:
        """Return the column for values of another type, such as those that do not fit, as dlt names it."""
        return self._naming.shorten_fragments(self.stored(column), f"v_{data_type}")

    def is_plain(self, field: str) -> bool:
        """Return whether a field is spelled as its column would be."""
        return all(self._normal(name) == name for name in field.split(BELOW))

    def plain(self, field: str) -> str:
        """Return the column of a field that is spelled as no other."""
        above, _, name = field.rpartition(BELOW)
        return self._naming.shorten_fragments(*([self.column(above)] if above else []), self._normal(name))

    def _normal(self, name: str) -> str:
        return self._naming.normalize_identifier(name) if name.strip() else "x"

    def _column(self, field: str) -> str:
        plain, (above, _, name) = self.plain(field), field.rpartition(BELOW)
        hidden = plain.startswith("_dlt")  # as dlt's own columns, which dlt skips in some places
        mark = hashlib.sha256(field.encode()).hexdigest()[:6]
        own = self._naming.normalize_identifier(f"{'x' if hidden else ''}{self._normal(name)}_{mark}")
        marked = self._naming.shorten_fragments(self.column(above), own) if above else own
        if hidden or plain in self._taken or (above and self._normal(name) == VARIANT):
            return marked
        if self._stored is None:
            return plain if plain == field else marked
        return self._recorded.get(field) or (plain if self._is_free(plain, marked) and name.strip() else marked)

    def _is_free(self, plain: str, marked: str) -> bool:
        """Return whether no other field has a column, and the field does not have the marked one already."""
        stored = dict(_any(self._stored))
        others = plain in self._column_of.values() or FIELD in stored.get(plain, {})
        return not others and marked not in stored


def _any(stored: TTableSchemaColumns | None) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return cast(Mapping[str, Mapping[str, Any]], stored or {}).items()
