"""Column names: every field gets its own, which depends only on its spelling."""

import hashlib
from collections.abc import Iterable, Mapping

from dlt.common.normalizers.naming import NamingConvention

from connectors_dagster.errors import RowError

VARIANT = "v_text"


class ColumnNames:
    """Maps fields to columns, independently of the order of fields, rows and loads.

    A declared field goes into its declared column. Any other field goes into the column of its name if the
    destination spells columns that way: `size` into `size`. Other spellings, such as `Size`, get a suffix:
    `size_b3e7d1`.
    """

    def __init__(self, label: str, naming: NamingConvention, max_length: int, declared: Iterable[str]) -> None:
        """Keep the declared names; `label` names the resource in errors."""
        self.label = label
        # The naming convention that dlt returns before a pipeline runs does not know the maximum length of names.
        self._naming = type(naming)(max_length)
        self._column_of = {name: name for name in declared}
        self._taken = {self.stored(name) for name in self._column_of}

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

    def variant(self, column: str) -> str:
        """Return the column for values that do not fit, as dlt names it."""
        return self._naming.shorten_fragments(self.stored(column), VARIANT)

    def _column(self, field: str) -> str:
        plain = self._naming.normalize_identifier(field) if field.strip() else "x"
        hidden = plain.startswith("_dlt")  # as dlt's own columns, which dlt skips in some places
        if plain == field and plain not in self._taken and not hidden:
            return plain
        mark = hashlib.sha256(field.encode()).hexdigest()[:6]
        return self._naming.normalize_identifier(f"{'x' if hidden else ''}{plain}_{mark}")
