"""Changes rows and finds those that are left out, as the transformations and the filter of a resource say."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from connectors_dagster.errors import RowError
from connectors_dagster.rows.casts import casting
from connectors_dagster.rows.raw_json import NULL, RawRow, decode_fields, first_byte, is_raw, write_row
from connectors_dagster.rows.row_values import Scope, compiled
from connectors_dagster.spec.options import ResourceOptions
from connectors_dagster.spec.transformations import Transformation, TypedValue

TYPES: Mapping[str, type] = {"text": str, "integer": int, "float": float, "boolean": bool}
Change = Callable[[RawRow], RawRow]
"""Changes a row, in place or as a new one."""


class FilteredRow(dict[str, msgspec.Raw]):
    """A row that is left out, but only after its page was checked."""


class RowChanges:
    """The transformations and the filter of a resource, for rows that are requested with the same values.

    Args:
        resource: names the resource in errors.
        options: its options.
        scope: what expressions read beside the row: `each` and `parent`.
    """

    def __init__(self, resource: str, options: ResourceOptions, scope: Scope) -> None:
        """Compile the expressions."""
        self.resource, self.scope = resource, scope
        self.filter_first = not options.filter_after_transformations
        self.filter = compiled(options.record_filter, "condition") if options.record_filter else None
        self.changes = [change for one in options.transformations for change in self._compiled(one)]

    def apply(self, rows: Sequence[Any]) -> tuple[list[Any], set[int]]:
        """Return the changed rows of a page, and the numbers of those that are left out; what is no row stays.

        Raises:
            RowError: a value cannot be read from a row that is not left out.
        """
        changed, left_out = list[Any](), set[int]()
        for number, row in enumerate(rows):
            new, kept = self._apply(row) if is_raw(row) else (row, True)
            changed.append(new)
            if not kept:
                left_out.add(number)
        return changed, left_out

    def _apply(self, row: RawRow) -> tuple[RawRow, bool]:
        try:
            kept = not self.filter_first or self._keeps(row)
            try:
                changed = self._changed(row)
            except (ValueError, RecursionError):
                if kept:
                    raise
                return row, False
            return changed, kept and (self.filter_first or self._keeps(changed))
        except (ValueError, RecursionError) as error:
            raise RowError(f"{self.resource}: a row cannot be changed: {error}") from None

    def _changed(self, row: RawRow) -> RawRow:
        row = dict(row)  # the paginator looks at the response, whose rows stay as they are
        for change in self.changes:
            row = change(row)
        return row

    def _keeps(self, row: RawRow) -> bool:
        return self.filter is None or bool(self.filter.render(row, self.scope))

    def _compiled(self, one: Transformation) -> list[Change]:
        if one.lower_names:
            return [_lower_names]
        if one.cast_to:
            return [casting(one.cast_to)]
        removed = [_removing((at,) if isinstance(at, str) else at) for at in one.remove_fields]
        renamed = [_renaming(one.rename_fields)] if one.rename_fields else []
        flattened = [_flattening(name) for name in one.flatten_fields]
        added = [self._adding(name, value) for name, value in one.add_fields.items()]
        return [*added, *removed, *renamed, *flattened]

    def _adding(self, name: str, written: str | TypedValue) -> Change:
        text, types = (written.value, (TYPES[written.type],)) if isinstance(written, TypedValue) else (written, ())
        value, scope, constants = compiled(text, "text", types), self.scope, list[msgspec.Raw]()

        def add(row: RawRow) -> RawRow:
            found = constants[0] if constants else value.read(row, scope)
            if not constants and not value.reads_row:
                constants.append(found)
            row[name] = found
            return row

        return add


def _removing(path: Sequence[str]) -> Change:
    [name, *rest] = path
    remove_inside = _removing(rest) if rest else None

    def remove(row: RawRow) -> RawRow:
        if remove_inside is None:
            row.pop(name, None)
        elif first_byte(row.get(name, NULL)) == b"{":
            row[name] = msgspec.Raw(write_row(remove_inside(decode_fields(row[name]))).encode())
        return row

    return remove


def _flattening(name: str) -> Change:
    def flatten(row: RawRow) -> RawRow:
        if first_byte(row.get(name, NULL)) != b"{":
            return row
        own, others = decode_fields(row[name]), {field: value for field, value in row.items() if field != name}
        return row if own.keys() & row.keys() else others | own

    return flatten


def _renaming(names: Mapping[str, str]) -> Change:
    return lambda row: _renamed(row, {name: names.get(name, name) for name in row})


def _lower_names(row: RawRow) -> RawRow:
    return _renamed(row, {name: name.lower() for name in row})


def _renamed(row: RawRow, names: Mapping[str, str]) -> RawRow:
    """Return a row with other names.

    Raises:
        ValueError: two fields get the same name.
    """
    renamed = {names[name]: value for name, value in row.items()}
    if len(renamed) < len(row):
        same = sorted(name for name in row if sum(other == names[name] for other in names.values()) > 1)
        raise ValueError(f"the fields {', '.join(same)} get the same name")
    return renamed
