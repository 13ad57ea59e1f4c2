"""Names of columns: one for every field, by its spelling alone."""

import hashlib
from collections.abc import Iterable, Mapping

from dlt.common.normalizers.naming import NamingConvention

from connectors_dagster.errors import RowError

VARIANT = "v_text"


class ColumnNames:
    """Which column a field goes into, whatever order fields, rows and loads come in.

    A declared field goes into the column declared for it; any other into the column of its name if it is spelled
    as the destination spells columns: `size` into `size`. Other spellings, such as `Size`, get a mark of their
    own: `size_b3e7d1`.
    """

    def __init__(self, label: str, naming: NamingConvention, max_length: int, declared: Iterable[str]) -> None:
        """Keep the declared names; `label` names the resource in errors."""
        self.label = label
        # What dlt hands out before a pipeline runs does not know how long names may be.
        self._naming = type(naming)(max_length)
        self._column_of = {name: name for name in declared}
        self._taken = {self.stored(name) for name in self._column_of}

    def column(self, field: str) -> str:
        """Return the column of a field.

        Raises:
            RowError: another field has that column.
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
        """Return how the destination spells a column."""
        return self._naming.normalize_path(column)

    def variant(self, column: str) -> str:
        """Return the column for values that do not fit, as dlt names it."""
        return self._naming.shorten_fragments(self.stored(column), VARIANT)

    def _column(self, field: str) -> str:
        plain = self._naming.normalize_identifier(field) if field.strip() else "x"
        hidden = plain.startswith("_dlt")  # as dlt's own columns, which it leaves out here and there
        if plain == field and plain not in self._taken and not hidden:
            return plain
        mark = hashlib.sha256(field.encode()).hexdigest()[:6]
        return self._naming.normalize_identifier(f"{'x' if hidden else ''}{plain}_{mark}")
